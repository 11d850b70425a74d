/** A container whose limits something else than a cgroup holds. */
import { join } from 'node:path'
import { RuntimeError } from '../base/errors.ts'
import { named } from '../linux/cgroups/limits/merge.ts'
import { type StandIn, standInPointers } from '../linux/watchdog/plan.ts'
import { changeWatchdog, isWatching, needsWatchdog, startWatchdog, Verdicts } from '../linux/watchdog/watchdog.ts'
import { limitsAsked } from '../spec/support.ts'
import type { Resources } from '../spec/types.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Context } from './context.ts'
import type { Limit } from './limit.ts'
import { isAlive } from './oci-state.ts'

/** Before its program runs. @throws RuntimeError `watchdog-failed` */
export function watch({ standIn, pid }: Pick<ContainerRecord, 'standIn' | 'pid'>, directory: string): void {
  if (standIn && needsWatchdog(standIn)) startWatchdog({ directory, pid, limits: standIn })
}

export const directoryOf = ({ root }: Context, { id }: ContainerRecord): string => join(root, id)

type Held = Pick<Limit, 'enforcedBy' | 'detail'>

/** What holds the limit at this moment; undefined where it is none of those that are held so. */
export function standInFor(record: ContainerRecord, pointer: string, ctx: Context): Held | undefined {
  const { standIn } = record
  const isMemory = pointer === standInPointers.memory
  if (
    !standIn ||
    (isMemory ? standIn.memory : pointer === standInPointers.tasks ? standIn.tasks : undefined) === undefined
  )
    return undefined
  if (!isMemory && standIn.refuses === 'all') return { enforcedBy: 'rlimit', detail: 'RLIMIT_NPROC of its only user' }
  const directory = directoryOf(ctx, record)
  using verdicts = new Verdicts(directory)
  const verdict = verdicts.read()
  if (verdict?.limit === (isMemory ? 'memory' : 'tasks'))
    return { enforcedBy: 'watchdog', detail: `it has ended the container, which had ${verdict.found}` }
  if (isAlive(record, ctx.host) && !isWatching(directory))
    return { enforcedBy: 'nothing', detail: 'the watchdog has ended' }
  return { enforcedBy: 'watchdog', detail: isMemory ? howMemory : howTasks(standIn) }
}

const howMemory = 'looks every 50 to 500 ms at what is mapped; files in a tmpfs are not counted'

const howTasks = ({ refuses }: StandIn): string =>
  `looks every 50 to 500 ms${refuses === 'each user' ? '; RLIMIT_NPROC for each of its users at once' : ''}`

/** @returns what holds now. @throws RuntimeError `cgroup-missing` for what nothing here holds, `watchdog-failed` */
export function changeStandIn(record: ContainerRecord, standIn: StandIn, asked: Resources, ctx: Context): StandIn {
  const known: readonly string[] = Object.values(standInPointers)
  const other = limitsAsked(asked).find((pointer) => !known.includes(pointer))
  const refuse = (why: string, origin: string) =>
    new RuntimeError('cgroup-missing', { what: 'cannot update: the container has no cgroup', why, origin })
  if (other !== undefined) throw refuse('nothing else holds such a limit', other)
  const { memory, pids } = named(asked)
  const bytes = memory?.limit ?? standIn.memory
  const tasks = pids?.limit ?? standIn.tasks
  if (
    pids?.limit !== undefined &&
    standIn.refuses &&
    (tasks === undefined || tasks < 0 || tasks > (standIn.tasks ?? 0))
  )
    throw refuse('RLIMIT_NPROC cannot be raised any more', standInPointers.tasks)
  const now: StandIn = {
    ...(standIn.refuses && { refuses: standIn.refuses === 'all' && pids ? 'each user' : standIn.refuses }),
    ...(bytes !== undefined && { memory: Math.max(0, bytes) }),
    ...(tasks !== undefined && { tasks: tasks < 0 ? 0 : Math.max(1, tasks) }),
  }
  const directory = directoryOf(ctx, record)
  if (needsWatchdog(standIn)) changeWatchdog(directory, now)
  else startWatchdog({ directory, pid: record.pid, limits: now })
  return now
}
