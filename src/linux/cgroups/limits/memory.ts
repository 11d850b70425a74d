/** linux.resources.memory: memory(7) of cgroup v1 (Documentation/admin-guide/cgroup-v1/memory.rst) and of v2. */
import { error, type Issue } from '../../../base/issue.ts'
import type { MemoryLimits } from '../../../spec/types.ts'
import { digitsOf, isSet, type Target, type Write, writer } from './write.ts'

const section = '/linux/resources/memory'

export function checkMemory({ limit = 0, swap = 0, swappiness }: MemoryLimits): Issue[] {
  const issues: Issue[] = []
  if (swap > 0 && limit > 0 && swap < limit)
    issues.push(error(`${section}/swap`, 'is memory and swap together, so it cannot be less than the limit of memory'))
  if (swappiness !== undefined && (swappiness < 0 || swappiness > 100))
    issues.push(error(`${section}/swappiness`, 'must be from 0 to 100'))
  return issues
}

export function memoryWrites(memory: MemoryLimits, target: Target): Write[] {
  return target.version === 1 ? v1(memory, target) : v2(memory, target)
}

/** An unlimited memory without a word about swap means both: the kernel refuses the one without the other. */
const swapOf = ({ limit, swap = 0 }: MemoryLimits): number => (limit === -1 && swap === 0 ? -1 : swap)

function v1(memory: MemoryLimits, target: Target): Write[] {
  const write = writer(target, 'memory')
  const { limit, reservation, swappiness, disableOOMKiller } = memory
  const swap = swapOf(memory)
  const writes: Write[] = []
  if (isSet(limit)) writes.push(write('limit', 'memory.limit_in_bytes', limit, isSet(swap) ? { beforeNext: true } : {}))
  if (isSet(swap)) writes.push(write('swap', 'memory.memsw.limit_in_bytes', swap, { mayLack: swap === -1 }))
  if (isSet(reservation)) writes.push(write('reservation', 'memory.soft_limit_in_bytes', reservation))
  if (swappiness !== undefined) writes.push(write('swappiness', 'memory.swappiness', swappiness))
  if (disableOOMKiller) writes.push(write('disableOOMKiller', 'memory.oom_control', 1))
  return writes
}

const orMax = (value: number): string => (value < 0 ? 'max' : digitsOf(value))

/** v2 counts swap alone. A swap limit needs a limit of memory to be a difference to. */
function v2(memory: MemoryLimits, target: Target): Write[] {
  const write = writer(target, 'memory')
  const { limit, reservation } = memory
  const swap = swapOf(memory)
  const writes: Write[] = []
  if (isSet(swap)) {
    const alone = swap < 0 ? 'max' : digitsOf(swap - Math.max(0, limit ?? 0))
    writes.push(write('swap', 'memory.swap.max', alone, { mayLack: alone === 'max' || alone === '0' }))
  }
  if (isSet(limit)) writes.push(write('limit', 'memory.max', orMax(limit)))
  if (isSet(reservation)) writes.push(write('reservation', 'memory.low', orMax(reservation)))
  return writes
}

/** v2 has no swap limit without one of memory, and no kernel has a say about these any more. */
export function checkSwapOnV2({ limit = 0, swap = 0 }: MemoryLimits): Issue[] {
  if (swap <= 0 || limit > 0) return []
  return [error(`${section}/swap`, 'cannot be set on cgroup v2 without a limit of memory')]
}
