/**
 * A container that has no cgroup of its own: its pid namespace says what is in it, signals stop it, and /proc counts.
 * Weaker than a cgroup, and said to be: parents see a stop, and who may send signals from outside can undo it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { RuntimeError } from '../base/errors.ts'
import { RLIM_INFINITY } from '../host/facts.ts'
import { isStopped, processesOf } from '../host/process.ts'
import { usageOf } from '../host/usage.ts'
import { memoryEntry } from '../linux/cgroups/counters.ts'
import { noStats, type Stats } from '../linux/cgroups/stats.ts'
import type { ContainerRecord } from '../state/record.ts'
import { hasPrivatePids, signalAll } from './process.ts'

const [SIGCONT, SIGSTOP] = [18, 19] as const
const PATIENCE_MS = 10_000

/** Can its processes be known for sure? @throws RuntimeError `cgroup-missing` with this as what cannot be done */
export function assertKnown(record: ContainerRecord, what: string): void {
  if (hasPrivatePids(record)) return
  const why = record.cgroup.manager === 'none' ? `${record.cgroup.reason}, and ` : ''
  throw new RuntimeError('cgroup-missing', {
    what,
    why: `${why}without a pid namespace of its own nothing else says what is in it`,
  })
}

/** Until all stand still: one that runs may have made another one meanwhile. @throws RuntimeError `freeze-failed` */
export async function stopAll(record: ContainerRecord): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (let wait = 0; ; wait = Math.min(wait + 1, 20)) {
    const running = processesOf(record.pid, true).filter((pid) => !isStopped(pid))
    if (running.length === 0) return
    if (performance.now() > deadline) {
      continueAll(record)
      throw new RuntimeError('freeze-failed', { why: `process ${running[0]} of the container does not stop` })
    }
    signalAll(record, SIGSTOP)
    await sleep(wait)
  }
}

export const continueAll = (record: ContainerRecord): void => signalAll(record, SIGCONT)

/** In the shape of those of a cgroup; what nobody counts is left out. */
export function statsWithout(record: ContainerRecord): Stats {
  const { user, kernel, memory, tasks } = usageOf(processesOf(record.pid, true))
  return {
    ...noStats,
    cpu: { usage: { total: user + kernel, kernel, user }, throttling: {} },
    memory: { usage: memoryEntry(RLIM_INFINITY, memory), raw: {} },
    pids: { current: tasks },
  }
}
