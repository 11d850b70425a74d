/** What a container uses, as its cgroup counts it, in the shape that `runc events` made known. Numbers are bigint: limits pass 2^53. */

import { readdirSync } from 'node:fs'
import { countsOf, numberIn } from './counters.ts'
import { type CgroupRecord, homeOfController } from './record.ts'
import { blockIoV1, cpusetOf, cpuV1, memoryV1 } from './stats-v1.ts'
import { blockIoV2, cpuV2, memoryV2 } from './stats-v2.ts'

type Section = Readonly<Record<string, unknown>>

export interface Stats {
  readonly cpu: Section
  readonly cpuset: Section
  readonly memory: Section
  readonly pids: Section
  readonly blkio: Section
  readonly hugetlb: Section
  readonly intel_rdt: Section
  readonly network_interfaces: null
}

export const noStats: Stats = {
  cpu: {},
  cpuset: {},
  memory: {},
  pids: {},
  blkio: {},
  hugetlb: {},
  intel_rdt: {},
  network_interfaces: null,
}

export function statsOf(record: CgroupRecord): Stats {
  const at = (controller: string) => homeOfController(record, controller)
  const [memory, cpu, cpuacct, io] = [at('memory'), at('cpu'), at('cpuacct'), at('io')]
  return {
    ...noStats,
    cpu: cpuacct || cpu?.version === 1 ? cpuV1(cpu?.path, cpuacct?.path) : cpu ? cpuV2(cpu.path) : {},
    cpuset: cpusetOf(at('cpuset')),
    memory: memory?.version === 1 ? memoryV1(memory.path) : memory ? memoryV2(memory.path) : {},
    pids: pidsOf(at('pids')?.path),
    blkio: io ? blockIoV2(io.path) : blockIoV1(at('blkio')?.path),
    hugetlb: hugetlbOf(at('hugetlb')),
  }
}

function pidsOf(path: string | undefined): Section {
  if (path === undefined) return {}
  const [current, limit] = [numberIn(path, 'pids.current'), numberIn(path, 'pids.max')]
  return { ...(current ? { current } : {}), ...(limit ? { limit } : {}) }
}

function hugetlbOf(home: { readonly version: 1 | 2; readonly path: string } | undefined): Section {
  if (!home) return {}
  const { version, path } = home
  const limits = version === 1 ? /^hugetlb\.(\d+[KMG]B)\.limit_in_bytes$/ : /^hugetlb\.(\d+[KMG]B)\.max$/
  const sizes = readdirSync(path).flatMap((name) => limits.exec(name)?.[1] ?? [])
  return Object.fromEntries(
    sizes.map((size) => {
      const file = `hugetlb.${size}`
      const usage = numberIn(path, version === 1 ? `${file}.usage_in_bytes` : `${file}.current`) ?? 0n
      const max = version === 1 ? (numberIn(path, `${file}.max_usage_in_bytes`) ?? 0n) : 0n
      const failcnt =
        version === 1 ? (numberIn(path, `${file}.failcnt`) ?? 0n) : (countsOf(path, `${file}.events`).max ?? 0n)
      return [size, { ...(usage ? { usage } : {}), ...(max ? { max } : {}), failcnt }]
    }),
  )
}

/** How many processes the kernel has killed here for lack of memory; on v1 also how often it would have. */
export function countKills(record: CgroupRecord): number {
  const home = homeOfController(record, 'memory')
  if (!home) return 0
  const counts = countsOf(home.path, home.version === 1 ? 'memory.oom_control' : 'memory.events')
  return Number((counts.oom_kill ?? 0n) + (counts.under_oom ?? 0n))
}
