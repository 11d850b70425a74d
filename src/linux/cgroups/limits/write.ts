/** One value for one file of a cgroup: what the pure conversions give, and `apply.ts` writes. */
import { int64, uint64 } from '../../../spec/integers.ts'

export interface Write {
  readonly version: 1 | 2
  readonly controller: string
  /** The first of these that the kernel has is written. */
  readonly choices: readonly { readonly file: string; readonly value: string }[]
  /** JSON pointer of what asked for it. */
  readonly origin: string
  /** The kernel may lack the file: then what was asked holds anyway. */
  readonly mayLack?: boolean
  /** Refused with EINVAL or EBUSY it is tried again after the next one: two values that the kernel holds against each other. */
  readonly beforeNext?: boolean
}

export interface Target {
  readonly version: 1 | 2
  readonly controller: string
}

type Extra = Pick<Write, 'mayLack' | 'beforeNext'>

/** Makes writes for one controller; `section` is a pointer below /linux/resources. */
export const writer =
  ({ version, controller }: Target, section: string) =>
  (key: string, file: string, value: string | number, extra: Extra = {}): Write => ({
    version,
    controller,
    choices: [{ file, value: typeof value === 'number' ? digitsOf(value) : value }],
    origin: `/linux/resources/${section}${key === '' ? '' : `/${key}`}`,
    ...extra,
  })

/**
 * A double has no more than 53 bits, and of the largest ones JavaScript prints the fewest digits that tell them apart. What
 * is more than 64 bits the kernel would take as what is left over: "unlimited" as nothing.
 */
export const digitsOf = (value: number): string => String(value < 0 ? int64(value) : uint64(value))

/** Callers write 0 for "not set" wherever zero is no limit that makes sense. */
export const isSet = (value: number | undefined): value is number => value !== undefined && value !== 0
