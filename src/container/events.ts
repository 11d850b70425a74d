/** events: what a container uses, time and again, and when it ran out of memory. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isRuntimeError, RuntimeError } from '../base/errors.ts'
import { countKills, type Stats, statsOf } from '../linux/cgroups/stats.ts'
import { rdtStats } from '../linux/rdt/stats.ts'
import { Verdicts } from '../linux/watchdog/watchdog.ts'
import { loadRecord } from '../state/read-record.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Context } from './context.ts'
import { parseId } from './id.ts'
import { isAlive } from './oci-state.ts'
import { directoryOf } from './stand-in.ts'
import { assertKnown, statsWithout } from './without-cgroup.ts'

export type ContainerEvent =
  | { readonly type: 'stats'; readonly id: string; readonly data: Stats }
  | { readonly type: 'oom'; readonly id: string }

/** How often the kernel is asked for a process that it killed for lack of memory. */
const LOOK_MS = 100

function open(ctx: Context, id: string): ContainerRecord {
  const record = loadRecord(ctx.root, parseId(id))
  if (!isAlive(record, ctx.host))
    throw new RuntimeError('container-not-running', { what: `container with id ${id} is not running` })
  if (record.cgroup.manager === 'none') assertKnown(record, 'no statistics: the container has no cgroup')
  return record
}

function statsEvent(id: string, record: ContainerRecord): ContainerEvent {
  const { cgroup, rdt } = record
  const counted = cgroup.manager === 'none' ? statsWithout(record) : statsOf(cgroup)
  return { type: 'stats', id, data: { ...counted, ...(rdt && { intel_rdt: rdtStats(rdt) }) } }
}

/** What it uses now. @throws RuntimeError `container-missing`, `container-not-running`, `cgroup-missing` */
export async function stats(ctx: Context, id: string): Promise<ContainerEvent> {
  return statsEvent(id, open(ctx, id))
}

/** Goes on until the container has ended. `intervalMs`: between two statistics. @throws as `stats` */
export async function* events(ctx: Context, id: string, intervalMs: number): AsyncGenerator<ContainerEvent> {
  const record = open(ctx, id)
  using verdicts = new Verdicts(directoryOf(ctx, record))
  const count = () => countKills(record.cgroup) + (verdicts.read()?.limit === 'memory' ? 1 : 0)
  let kills = count()
  let next = performance.now() + intervalMs
  for (;;) {
    const isOver = !isThere(ctx, record)
    const now = count()
    for (; kills < now; kills++) yield { type: 'oom', id }
    if (isOver) return
    if (performance.now() >= next) {
      yield statsEvent(id, record)
      next = performance.now() + intervalMs
    }
    await sleep(Math.max(1, Math.min(LOOK_MS, next - performance.now())))
  }
}

/** Alive, and not another one of that name. */
function isThere(ctx: Context, record: ContainerRecord): boolean {
  try {
    const now = loadRecord(ctx.root, parseId(record.id))
    return now.pid === record.pid && now.startTime === record.startTime && isAlive(now, ctx.host)
  } catch (error) {
    if (isRuntimeError(error, 'container-missing')) return false
    throw error
  }
}
