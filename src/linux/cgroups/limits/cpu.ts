/** linux.resources.cpu: shares and quotas of the cpu controller, cpus and nodes of cpuset. */
import { error, type Issue } from '../../../base/issue.ts'
import { int64 } from '../../../spec/integers.ts'
import type { CpuLimits, Resources } from '../../../spec/types.ts'
import { digitsOf, isSet, type Target, type Write, writer } from './write.ts'

const section = '/linux/resources/cpu'
const MIN_SHARES = 2
const MAX_SHARES = 262_144
const DEFAULT_PERIOD = 100_000

export function checkCpu({ shares, idle, cpus, mems }: CpuLimits): Issue[] {
  const issues: Issue[] = []
  if (isSet(shares) && (shares < MIN_SHARES || shares > MAX_SHARES))
    issues.push(error(`${section}/shares`, `must be from ${MIN_SHARES} to ${MAX_SHARES}`))
  if (idle !== undefined && idle !== 0 && idle !== 1) issues.push(error(`${section}/idle`, 'must be 0 or 1'))
  for (const [key, list] of Object.entries({ cpus, mems }))
    if (list && !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(list.replace(/\s/g, '')))
      issues.push(error(`${section}/${key}`, 'must be a list such as 0-3,7'))
  return issues
}

/**
 * A weight of v2 for shares of v1: a curve through the least (2 → 1), the default (1024 → 100) and the most
 * (262144 → 10000), so that a default container weighs as much as its neighbours. Peers use the same one since 2025.
 */
export function weightOf(shares: number): number {
  if (shares <= MIN_SHARES) return 1
  if (shares >= MAX_SHARES) return 10_000
  const l = Math.log2(shares)
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34))
}

/** An idle group has no weight of its own: the kernel refuses one. */
const hasShares = ({ shares, idle }: CpuLimits): boolean => isSet(shares) && idle !== 1

type Unified = NonNullable<Resources['unified']>

const isIdle = (unified: Unified): boolean => unified['cpu.idle']?.trim() === '1'

/** The same for the files by their names. */
export function withoutUselessWeight(unified: Unified): Unified {
  const { 'cpu.weight': _weight, 'cpu.weight.nice': _nice, ...rest } = unified
  return isIdle(unified) ? rest : unified
}

/** What of the two gives way when both are asked for; undefined for none. */
export function uselessWeight({ cpu = {}, unified = {} }: Resources): string | undefined {
  if (cpu.idle === 1 && isSet(cpu.shares)) return 'cpu/shares'
  return isIdle(unified) && 'cpu.weight' in unified ? 'unified/cpu.weight' : undefined
}

export function cpuWrites(cpu: CpuLimits, target: Target): Write[] {
  return target.version === 1 ? v1(cpu, target) : v2(cpu, target)
}

function v1(cpu: CpuLimits, target: Target): Write[] {
  const write = writer(target, 'cpu')
  const { shares, quota, period, burst, realtimeRuntime, realtimePeriod, idle } = cpu
  const writes: Write[] = []
  if (idle !== undefined) writes.push(write('idle', 'cpu.idle', idle, { mayLack: idle === 0 }))
  if (hasShares(cpu)) writes.push(write('shares', 'cpu.shares', shares ?? 0))
  // Runtime and period are held against each other and against what the parent has left; so are quota and period.
  if (isSet(realtimePeriod))
    writes.push(write('realtimePeriod', 'cpu.rt_period_us', realtimePeriod, pairs(realtimeRuntime)))
  if (isSet(realtimeRuntime)) writes.push(write('realtimeRuntime', 'cpu.rt_runtime_us', realtimeRuntime))
  if (isSet(period)) writes.push(write('period', 'cpu.cfs_period_us', period, pairs(quota)))
  if (isSet(quota)) writes.push(write('quota', 'cpu.cfs_quota_us', String(int64(quota)), pairs(burst)))
  if (burst !== undefined) writes.push(write('burst', 'cpu.cfs_burst_us', burst, { mayLack: burst === 0 }))
  return writes
}

const pairs = (next: number | undefined) => (isSet(next) ? { beforeNext: true } : {})

function v2(cpu: CpuLimits, target: Target): Write[] {
  const write = writer(target, 'cpu')
  const { shares, quota, period, burst, idle } = cpu
  const writes: Write[] = []
  if (idle !== undefined) writes.push(write('idle', 'cpu.idle', idle, { mayLack: idle === 0 }))
  if (hasShares(cpu)) writes.push(write('shares', 'cpu.weight', weightOf(shares ?? 0)))
  if (isSet(quota) || isSet(period)) {
    const share = isSet(quota) && quota > 0 ? int64(quota) : 'max'
    const value = `${share} ${isSet(period) ? digitsOf(period) : DEFAULT_PERIOD}`
    writes.push(write(isSet(quota) ? 'quota' : 'period', 'cpu.max', value, pairs(burst)))
  }
  if (burst !== undefined) writes.push(write('burst', 'cpu.max.burst', burst, { mayLack: burst === 0 }))
  return writes
}

/** The same files on both versions. */
export function cpusetWrites({ cpus, mems }: CpuLimits, target: Target): Write[] {
  const write = writer(target, 'cpu')
  return [...(cpus ? [write('cpus', 'cpuset.cpus', cpus)] : []), ...(mems ? [write('mems', 'cpuset.mems', mems)] : [])]
}
