/** Statistics of cgroup v1. */
import { countsOf, listIn, type MemoryEntry, memoryEntry, numberIn, withoutZeros } from './counters.ts'
import { readCgroupFile } from './files.ts'

/** cpuacct.stat counts in USER_HZ, which is 100 on every architecture of ours: time(7). */
const TICK_NS = 10_000_000n

export function cpuV1(cpu: string | undefined, cpuacct: string | undefined): Record<string, unknown> {
  const times = cpuacct ? countsOf(cpuacct, 'cpuacct.stat') : {}
  const percpu = cpuacct
    ? (readCgroupFile(cpuacct, 'cpuacct.usage_percpu') ?? '').trim().split(' ').filter(Boolean).map(BigInt)
    : []
  const total = cpuacct ? (numberIn(cpuacct, 'cpuacct.usage') ?? 0n) : 0n
  const throttled = cpu ? countsOf(cpu, 'cpu.stat') : {}
  return {
    usage: {
      ...(total ? { total } : {}),
      ...(percpu.length > 0 ? { percpu } : {}),
      kernel: (times.system ?? 0n) * TICK_NS,
      user: (times.user ?? 0n) * TICK_NS,
    },
    throttling: withoutZeros({
      periods: throttled.nr_periods ?? 0n,
      throttledPeriods: throttled.nr_throttled ?? 0n,
      throttledTime: throttled.throttled_time ?? 0n,
    }),
  }
}

const flags = {
  cpu_exclusive: 'cpuset.cpu_exclusive',
  mem_hardwall: 'cpuset.mem_hardwall',
  mem_exclusive: 'cpuset.mem_exclusive',
  memory_migrate: 'cpuset.memory_migrate',
  memory_spread_page: 'cpuset.memory_spread_page',
  memory_spread_slab: 'cpuset.memory_spread_slab',
  memory_pressure: 'cpuset.memory_pressure',
  sched_load_balance: 'cpuset.sched_load_balance',
  sched_relax_domain_level: 'cpuset.sched_relax_domain_level',
} as const

/** Of both versions: v2 has the lists and none of the flags. */
export function cpusetOf(
  home: { readonly version: 1 | 2; readonly path: string } | undefined,
): Record<string, unknown> {
  if (!home) return {}
  const end = home.version === 1 ? '' : '.effective'
  const [cpus, mems] = [listIn(home.path, `cpuset.cpus${end}`), listIn(home.path, `cpuset.mems${end}`)]
  const values = Object.entries(flags).map(([name, file]) => [name, signed(home.path, file)] as const)
  return { ...(cpus.length > 0 ? { cpus } : {}), ...(mems.length > 0 ? { mems } : {}), ...Object.fromEntries(values) }
}

/** The relax level is -1 where nobody set it. */
const signed = (path: string, file: string): bigint => {
  const text = readCgroupFile(path, file)?.trim() ?? ''
  return /^-?\d+$/.test(text) ? BigInt(text) : 0n
}

export function memoryV1(path: string): Record<string, unknown> {
  const raw = countsOf(path, 'memory.stat')
  const kinds = { usage: 'memory', swap: 'memory.memsw', kernel: 'memory.kmem', kernelTCP: 'memory.kmem.tcp' }
  const entries = Object.entries(kinds).flatMap(([name, prefix]): [string, MemoryEntry][] => {
    const limit = numberIn(path, `${prefix}.limit_in_bytes`)
    if (limit === undefined) return []
    const of = (file: string) => numberIn(path, `${prefix}.${file}`) ?? 0n
    return [[name, memoryEntry(limit, of('usage_in_bytes'), { max: of('max_usage_in_bytes'), failcnt: of('failcnt') })]]
  })
  return { ...(raw.cache ? { cache: raw.cache } : {}), ...Object.fromEntries(entries), raw }
}

const tables = {
  ioServiceBytesRecursive: ['io_service_bytes_recursive', 'io_service_bytes'],
  ioServicedRecursive: ['io_serviced_recursive', 'io_serviced'],
  ioQueueRecursive: ['io_queued_recursive'],
  ioServiceTimeRecursive: ['io_service_time_recursive'],
  ioWaitTimeRecursive: ['io_wait_time_recursive'],
  ioMergedRecursive: ['io_merged_recursive'],
  ioTimeRecursive: ['time_recursive'],
  sectorsRecursive: ['sectors_recursive'],
} as const

/** BFQ's counters where they hold something, else those of throttling, which count for every scheduler. */
export function blockIoV1(path: string | undefined): Record<string, unknown> {
  if (path === undefined) return {}
  const filled = Object.entries(tables).flatMap(([name, files]) => {
    const candidates = [
      ...files.map((file) => `blkio.bfq.${file}`),
      ...files.map((file) => `blkio.${file}`),
      ...files.map((file) => `blkio.throttle.${file}`),
    ]
    const rows = candidates.map((file) => rowsOf(readCgroupFile(path, file) ?? '')).find((found) => found.length > 0)
    return rows ? [[name, rows] as const] : []
  })
  return Object.fromEntries(filled)
}

/** `8:0 Read 4096`; some files leave the word out. */
function rowsOf(text: string): object[] {
  return text.split('\n').flatMap((line) => {
    const [, major, minor, op, value] = /^(\d+):(\d+)(?: ([A-Z]\w*))? (\d+)$/.exec(line) ?? []
    if (value === undefined) return []
    return [{ major: Number(major), minor: Number(minor), ...(op ? { op } : {}), value: BigInt(value) }]
  })
}
