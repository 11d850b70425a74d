/** Limits held by a process that looks, and by RLIMIT_NPROC. */
import { WatchGroup } from '../../linux/watchdog/group.ts'
import { type Amounts, type HeldLimit, type Hold, type LimitName, named } from './amounts.ts'
import type { Way } from './choose.ts'

export interface Watching {
  /** Started when it is needed first. */
  readonly group: () => WatchGroup
  /** The kernel ends all of a sandbox with its first process. */
  readonly isWhole: boolean
}

/** One watchdog for all sandboxes of an instance, or of a ceiling. */
export class Watchdogs implements Disposable {
  readonly #make: () => WatchGroup
  #group: WatchGroup | undefined

  constructor(limits: { readonly memory?: number | undefined; readonly pids?: number | undefined } = {}) {
    this.#make = () => new WatchGroup('sandboxes', { memory: limits.memory, tasks: limits.pids })
  }

  get(): WatchGroup {
    this.#group ??= this.#make()
    return this.#group
  }

  [Symbol.dispose](): void {
    this.#group?.[Symbol.dispose]()
    this.#group = undefined
  }
}

const MEMORY = 'looks every 50 to 500 ms at what is mapped; files in /tmp are not counted'
const TASKS = 'looks every 50 to 500 ms, and ends what has more'

/** `shared`: the limits of a ceiling that the group has. */
export function holdByWatchdog(way: Way, { group, isWhole }: Watching, shared: Amounts = {}): Hold {
  const { amounts, refusesForks } = way
  const looksAt = { memory: amounts.memory, tasks: refusesForks ? undefined : amounts.pids }
  const isWatched = named(shared).length > 0 || looksAt.memory !== undefined || looksAt.tasks !== undefined
  let id: number | undefined
  return {
    ops: [],
    waits: isWatched || refusesForks,
    born: (pid) => {
      if (isWatched) id = group().add({ pid, isWhole, limits: looksAt })
    },
    end: async () => {
      const verdict = id === undefined ? undefined : group().verdictOf(id)
      const hits = (limit: LimitName, isShared: boolean) =>
        verdict?.isShared === isShared && limit === (verdict.limit === 'memory' ? 'memory' : 'pids') ? 1 : 0
      return [
        ...expected(way).map((one) =>
          one.enforcedBy === 'watchdog' ? { ...one, hits: hits(one.limit as LimitName, false) } : one,
        ),
        ...sharedBy(shared).map((one) => ({ ...one, hits: hits(one.limit as LimitName, true) })),
      ]
    },
  }
}

const watched = (limit: LimitName): Pick<HeldLimit, 'enforcedBy' | 'detail'> => ({
  enforcedBy: 'watchdog',
  detail: limit === 'memory' ? MEMORY : TASKS,
})

export const sharedBy = (shared: Amounts): HeldLimit[] =>
  named(shared)
    .filter((limit) => limit !== 'cpus')
    .map((limit) => ({ limit, value: shared[limit] as number, ...watched(limit), isShared: true }))

/** What holds each limit, before anything runs. */
export function expected({ amounts, by, refusesForks, loose, why }: Way): HeldLimit[] {
  return named(amounts).map((limit): HeldLimit => {
    const value = amounts[limit] as number
    if (loose.includes(limit)) return { limit, value, enforcedBy: 'nothing', detail: why }
    if (by !== 'watchdog') return { limit, value, enforcedBy: by }
    if (limit === 'pids' && refusesForks)
      return { limit, value, enforcedBy: 'rlimit', detail: 'RLIMIT_NPROC of its only user' }
    return { limit, value, ...watched(limit) }
  })
}
