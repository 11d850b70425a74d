import { constants } from 'node:os'

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]))
/** Node leaves some out; errno(3) of the generic table. */
for (const [name, number] of [
  ['EUSERS', 87],
  ['ENOTBLK', 15],
  ['EREMOTE', 66],
  ['ESHUTDOWN', 108],
  ['EHOSTDOWN', 112],
  ['EUCLEAN', 117],
  ['EMEDIUMTYPE', 124],
  ['ENOKEY', 126],
] as const)
  names.set(number, name)

/** `EPERM` for 1; `errno N` for a number without a name. */
export const errnoName = (number: number): string => names.get(number) ?? `errno ${number}`
