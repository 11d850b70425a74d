/** What holds limits of memory and processes where there is no cgroup and the caller wants something in its place. Pure. */
import type { Host, IdRange } from '../../host/facts.ts'
import type { rlimitNumbers } from '../../kernel/constants.ts'
import { ENFORCE } from '../../spec/names.ts'
import type { Process, Spec } from '../../spec/types.ts'
import { isNew } from '../scene.ts'

export interface StandIn {
  /** Bytes of all its processes together. */
  readonly memory?: number
  /** Threads. */
  readonly tasks?: number
  /**
   * RLIMIT_NPROC refuses what is more. The kernel counts for each user of a user namespace apart (5.14, ucounts), so only
   * where there is one user it is the whole.
   */
  readonly refuses?: 'all' | 'each user'
}

/** By the option or by the annotation. */
export const wantsStandIn = (spec: Spec, enforce: 'cgroup' | 'watchdog'): boolean =>
  enforce === 'watchdog' || spec.annotations?.[ENFORCE] === 'watchdog'

/** Pointers of the limits that it can hold. */
export const standInPointers = {
  memory: '/linux/resources/memory/limit',
  tasks: '/linux/resources/pids/limit',
} as const

export const heldBy = ({ memory, tasks }: StandIn): string[] => [
  ...(memory === undefined ? [] : [standInPointers.memory]),
  ...(tasks === undefined ? [] : [standInPointers.tasks]),
]

export interface Ground {
  readonly host: Host
  /** Those of a new user namespace. */
  readonly maps: { readonly uid: readonly IdRange[] } | undefined
}

/** Undefined where nothing is to be held, or nobody could say what belongs to the container. */
export function planStandIn(spec: Spec, ground: Ground): StandIn | undefined {
  if (!isNew(spec, 'pid')) return undefined
  const { memory, pids } = spec.linux?.resources ?? {}
  const bytes = (memory?.limit ?? 0) > 0 ? memory?.limit : undefined
  // 0 refuses every fork, as one does: see cgroups/limits/others.ts.
  const tasks = pids?.limit !== undefined && pids.limit >= 0 ? Math.max(1, pids.limit) : undefined
  if (bytes === undefined && tasks === undefined) return undefined
  const refuses = tasks === undefined ? undefined : refusal(ground)
  return {
    ...(bytes !== undefined && { memory: bytes }),
    ...(tasks !== undefined && { tasks }),
    ...(refuses && { refuses }),
  }
}

/** Linux 5.14 counts for each user of a user namespace apart. */
const countsApart = ({ kernel: { major, minor } }: Host): boolean => major > 5 || (major === 5 && minor >= 14)

/** In a user namespace that maps our own id only. */
export const refusesOneUser = (host: Host): boolean => countsApart(host) && !(host.realRoot && host.uid === 0)

/** The kernel never refuses root of the host: fork(2), EAGAIN. */
function refusal({ host, maps }: Ground): StandIn['refuses'] {
  if (maps === undefined || !countsApart(host)) return undefined
  if (host.realRoot && maps.uid.some(({ outer }) => outer === 0)) return undefined
  return maps.uid.reduce((sum, { size }) => sum + size, 0) === 1 ? 'all' : 'each user'
}

/** The process with that rlimit, if it has none that is lower. */
export function withProcessLimit<P extends Process>(process: P, standIn: StandIn | undefined, host: Host): P {
  const { tasks, refuses } = standIn ?? {}
  if (tasks === undefined || refuses === undefined) return process
  const type = 'RLIMIT_NPROC' satisfies keyof typeof rlimitNumbers
  const rlimits = process.rlimits ?? []
  const own = rlimits.find((rlimit) => rlimit.type === type)
  const most = own?.hard ?? host.rlimits[type]?.hard ?? Number.POSITIVE_INFINITY
  if (most <= tasks) return process
  const soft = Math.min(tasks, own?.soft ?? tasks)
  return { ...process, rlimits: [...rlimits.filter((rlimit) => rlimit !== own), { type, soft, hard: tasks }] }
}
