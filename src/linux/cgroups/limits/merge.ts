/** A change of limits: what was named, what the container had, and what has to be written. Pure. */
import type { CpuLimits, MemoryLimits, Resources } from '../../../spec/types.ts'

/** Callers send every field, with 0 or an empty text for what they do not mean. Of these, 0 is a value. */
const zeroCounts: ReadonlySet<string> = new Set(['pids.limit', 'memory.swappiness', 'cpu.idle', 'cpu.burst'])

/** Only what was named. Device rules are no part of an update. */
export function named({ devices: _devices, ...rest }: Resources): Resources {
  const kept = Object.entries(rest).flatMap(([section, value]) => {
    if (Array.isArray(value)) return value.length > 0 ? [[section, value] as const] : []
    if (typeof value !== 'object' || value === null) return []
    const fields = Object.entries(value).filter(([key, field]) => isNamed(`${section}.${key}`, field))
    return fields.length > 0 ? [[section, Object.fromEntries(fields)] as const] : []
  })
  return withSwap(Object.fromEntries(kept) as Resources)
}

/** Memory without a limit means swap without one: the old limit of both together would be less than memory alone. */
function withSwap({ memory, ...rest }: Resources): Resources {
  if (!memory) return rest
  return { ...rest, memory: memory.limit === -1 && memory.swap === undefined ? { ...memory, swap: -1 } : memory }
}

function isNamed(place: string, value: unknown): boolean {
  if (value === undefined || value === '' || value === false) return false
  if (Array.isArray(value)) return value.length > 0
  return value !== 0 || zeroCounts.has(place)
}

/** What the container has after the change. */
export function merged(old: Resources, change: Resources): Resources {
  const from = withoutOldIdle(old, change)
  const result: Record<string, unknown> = { ...from }
  for (const [section, value] of Object.entries(change)) {
    const before = from[section as keyof Resources]
    result[section] = Array.isArray(value)
      ? upserted((before ?? []) as readonly object[], value)
      : mergedSection((before ?? {}) as Readonly<Record<string, unknown>>, value as Readonly<Record<string, unknown>>)
  }
  return result as Resources
}

/** A weight ends being idle: to systemd both are one property, and elsewhere the kernel refuses a weight until then. */
function withoutOldIdle(old: Resources, change: Resources): Resources {
  if (change.cpu?.shares === undefined && change.unified?.['cpu.weight'] === undefined) return old
  const { cpu: { idle: _idle, ...cpu } = {}, unified: { 'cpu.idle': _file, ...unified } = {}, ...rest } = old
  return { ...rest, ...(old.cpu ? { cpu } : {}), ...(old.unified ? { unified } : {}) }
}

function mergedSection(before: Readonly<Record<string, unknown>>, change: Readonly<Record<string, unknown>>): object {
  const lists = Object.entries(change).filter(([, value]) => Array.isArray(value)) as [string, readonly object[]][]
  const upserts = lists.map(([key, value]) => [key, upserted((before[key] ?? []) as readonly object[], value)] as const)
  return { ...before, ...change, ...Object.fromEntries(upserts) }
}

/** Entries are about a device, a page size or an interface: a new one takes the place of the old. */
function upserted(before: readonly object[], change: readonly object[]): object[] {
  const key = (entry: object) => {
    const { major, minor, pageSize, name } = entry as Record<string, unknown>
    return JSON.stringify([major, minor, pageSize, name])
  }
  const keys = new Set(change.map(key))
  return [...before.filter((entry) => !keys.has(key(entry))), ...change]
}

const pick = <T extends object, Key extends keyof T>(from: T, keys: readonly Key[]): Partial<T> =>
  Object.fromEntries(
    keys.flatMap((key) => (from[key] === undefined ? [] : [[key, from[key]]])),
  ) as unknown as Partial<T>

const memoryPair = ['limit', 'swap'] as const satisfies readonly (keyof MemoryLimits)[]
const cpuQuota = ['quota', 'period'] as const satisfies readonly (keyof CpuLimits)[]
const realtime = ['realtimeRuntime', 'realtimePeriod'] as const satisfies readonly (keyof CpuLimits)[]

/** What was named, with the other half of each pair that only makes sense together. */
export function toWrite(change: Resources, all: Resources): Resources {
  const coupled = <T extends object>(
    section: T | undefined,
    whole: T | undefined,
    keys: readonly (keyof T)[],
  ): Partial<T> => (section && whole && keys.some((key) => section[key] !== undefined) ? pick(whole, keys) : {})
  return {
    ...change,
    ...(change.memory ? { memory: { ...change.memory, ...coupled(change.memory, all.memory, memoryPair) } } : {}),
    ...(change.cpu
      ? {
          cpu: {
            ...change.cpu,
            ...coupled(change.cpu, all.cpu, cpuQuota),
            ...coupled(change.cpu, all.cpu, realtime),
            // The kernel forgets the weight of a group that is idle: one that is no longer gets its own again.
            ...(change.cpu.idle === 0 && all.cpu?.shares !== undefined ? { shares: all.cpu.shares } : {}),
          },
        }
      : {}),
  }
}
