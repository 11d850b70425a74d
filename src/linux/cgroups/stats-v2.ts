/** Statistics of cgroup v2. */
import { countsOf, memoryEntry, numberIn, withoutZeros } from './counters.ts'
import { readCgroupFile } from './files.ts'

const US = 1000n
/** What "max" is for those who know only numbers. */
const UNLIMITED = 0xffff_ffff_ffff_ffffn

export function cpuV2(path: string): Record<string, unknown> {
  const stat = countsOf(path, 'cpu.stat')
  const total = (stat.usage_usec ?? 0n) * US
  return {
    usage: {
      ...(total ? { total } : {}),
      kernel: (stat.system_usec ?? 0n) * US,
      user: (stat.user_usec ?? 0n) * US,
    },
    throttling: withoutZeros({
      periods: stat.nr_periods ?? 0n,
      throttledPeriods: stat.nr_throttled ?? 0n,
      throttledTime: (stat.throttled_usec ?? 0n) * US,
    }),
    ...pressure(path, 'cpu.pressure'),
  }
}

/** Swap is told as memory and swap together, as v1 counts it. */
export function memoryV2(path: string): Record<string, unknown> {
  const raw = countsOf(path, 'memory.stat')
  const usage = numberIn(path, 'memory.current') ?? 0n
  const limit = numberIn(path, 'memory.max') ?? UNLIMITED
  const swapLimit = numberIn(path, 'memory.swap.max') ?? UNLIMITED
  const both = limit === UNLIMITED || swapLimit === UNLIMITED ? UNLIMITED : limit + swapLimit
  const failcnt = countsOf(path, 'memory.events').max ?? 0n
  const max = numberIn(path, 'memory.peak') ?? 0n
  return {
    ...(raw.file ? { cache: raw.file } : {}),
    usage: memoryEntry(limit, usage, { max, failcnt }),
    swap: memoryEntry(both, usage + (numberIn(path, 'memory.swap.current') ?? 0n)),
    raw,
    ...pressure(path, 'memory.pressure'),
  }
}

const words = {
  rbytes: ['ioServiceBytesRecursive', 'Read'],
  wbytes: ['ioServiceBytesRecursive', 'Write'],
  rios: ['ioServicedRecursive', 'Read'],
  wios: ['ioServicedRecursive', 'Write'],
} as const

/** `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6` */
export function blockIoV2(path: string): Record<string, unknown> {
  const tables: Record<string, object[]> = {}
  for (const line of (readCgroupFile(path, 'io.stat') ?? '').split('\n')) {
    const [, major, minor, rest = ''] = /^(\d+):(\d+) (.*)$/.exec(line) ?? []
    for (const pair of rest.split(' ')) {
      const [word = '', value = ''] = pair.split('=')
      const known = Object.hasOwn(words, word) ? words[word as keyof typeof words] : undefined
      if (!known || !/^\d+$/.test(value)) continue
      const [table, op] = known
      tables[table] ??= []
      tables[table].push({ major: Number(major), minor: Number(minor), op, value: BigInt(value) })
    }
  }
  return { ...tables, ...pressure(path, 'io.pressure') }
}

/** Pressure stall information: `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`. Nothing where the kernel counts none. */
function pressure(path: string, file: string): { psi?: object } {
  const text = readCgroupFile(path, file)
  if (!text) return {}
  const lines = text
    .trim()
    .split('\n')
    .map((line) => {
      const [kind = '', ...pairs] = line.split(' ')
      const values = pairs.map((pair) => pair.split('=')).map(([key = '', value]) => [key, Number(value)] as const)
      return [kind, Object.fromEntries(values)] as const
    })
  return { psi: Object.fromEntries(lines) }
}
