/** Device rules: the list of the configuration brought into the one form that both kernels' guards understand. Pure. */
import { error, type Issue } from '../../base/issue.ts'
import type { DeviceRule } from '../../spec/types.ts'

/** -1 stands for every number. */
export interface DeviceException {
  readonly type: 'b' | 'c'
  readonly major: number
  readonly minor: number
  /** Of `r`, `w`, `m`, in this order. */
  readonly access: string
}

/** Everything is allowed, or nothing is, but for the exceptions. */
export interface DeviceGuard {
  readonly default: 'allow' | 'deny'
  readonly exceptions: readonly DeviceException[]
}

const ANY = -1

/** What every container may use: runtime-spec "Default Devices", their pseudo terminals, and making (not opening) nodes. */
const always: readonly DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 7, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 8, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 9, access: 'rwm' },
  { allow: true, type: 'c', major: 5, minor: 0, access: 'rwm' },
  { allow: true, type: 'c', major: 5, minor: 2, access: 'rwm' },
  { allow: true, type: 'c', major: 136, access: 'rwm' },
]

const letters = (access: string | undefined): string[] => {
  const given = access === undefined || access === '' ? 'rwm' : access
  return ['r', 'w', 'm'].filter((letter) => given.includes(letter))
}

const isAll = ({ type, major = ANY, minor = ANY, access }: DeviceRule): boolean =>
  (type === undefined || type === 'a') && major === ANY && minor === ANY && letters(access).length === 3

/**
 * The rules in their order, from "nothing is allowed", and then the devices of every container. A rule takes away what it
 * names from an exception of the same numbers; one that would cut a hole into a wider one is an issue, because the kernel
 * has no way to say it.
 */
export function guardOf(rules: readonly DeviceRule[] = []): { guard: DeviceGuard; issues: Issue[] } {
  let mode: DeviceGuard['default'] = 'deny'
  let exceptions = new Map<string, DeviceException>()
  const issues: Issue[] = []
  const all = [...rules.map((rule, i) => [rule, i] as const), ...always.map((rule) => [rule, -1] as const)]
  for (const [rule, i] of all) {
    if (isAll(rule)) {
      mode = rule.allow ? 'allow' : 'deny'
      exceptions = new Map()
      continue
    }
    const isException = rule.allow === (mode === 'deny')
    for (const part of partsOf(rule)) {
      if (isException) add(exceptions, part)
      else if (!take(exceptions, part) && i >= 0)
        issues.push(
          error(`/linux/resources/devices/${i}`, 'cuts a hole into a wider rule before it, which no kernel can do'),
        )
    }
  }
  return { guard: { default: mode, exceptions: [...exceptions.values()] }, issues }
}

function partsOf({ type, major = ANY, minor = ANY, access }: DeviceRule): DeviceException[] {
  const types =
    type === undefined || type === 'a' ? (['b', 'c'] as const) : type === 'b' ? (['b'] as const) : (['c'] as const)
  // A fifo is no device: nothing guards it.
  return type === 'p' ? [] : types.map((one) => ({ type: one, major, minor, access: letters(access).join('') }))
}

const keyOf = ({ type, major, minor }: DeviceException): string => `${type} ${major}:${minor}`

function add(exceptions: Map<string, DeviceException>, part: DeviceException): void {
  const key = keyOf(part)
  const known = exceptions.get(key)?.access ?? ''
  exceptions.set(key, { ...part, access: letters(known + part.access).join('') })
}

/** False when what is left would still be covered by a wider exception. */
function take(exceptions: Map<string, DeviceException>, part: DeviceException): boolean {
  const covers = (wide: DeviceException) =>
    wide.type === part.type &&
    (wide.major === ANY || wide.major === part.major) &&
    (wide.minor === ANY || wide.minor === part.minor) &&
    keyOf(wide) !== keyOf(part) &&
    [...part.access].some((letter) => wide.access.includes(letter))
  if ([...exceptions.values()].some(covers)) return false
  for (const [key, known] of exceptions) {
    const isInside =
      known.type === part.type &&
      (part.major === ANY || known.major === part.major) &&
      (part.minor === ANY || known.minor === part.minor)
    if (!isInside) continue
    const access = [...known.access].filter((letter) => !part.access.includes(letter)).join('')
    if (access === '') exceptions.delete(key)
    else exceptions.set(key, { ...known, access })
  }
  return true
}

/** Lines for devices.allow and devices.deny of v1, in their order. */
export function guardLines({ default: mode, exceptions }: DeviceGuard): { file: string; value: string }[] {
  const star = (number: number) => (number === ANY ? '*' : String(number))
  return [
    { file: mode === 'deny' ? 'devices.deny' : 'devices.allow', value: 'a' },
    ...exceptions.map(({ type, major, minor, access }) => ({
      file: mode === 'deny' ? 'devices.allow' : 'devices.deny',
      value: `${type} ${star(major)}:${star(minor)} ${access}`,
    })),
  ]
}

/** Does any rule take something away? Only that is missed where nothing guards. */
export const isRestrictive = (rules: readonly DeviceRule[] = []): boolean => rules.some(({ allow }) => !allow)
