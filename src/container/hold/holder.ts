/** Holds the limits of every command of one sandbox. */
import type { Host } from '../../host/facts.ts'
import { rlimitNumbers } from '../../kernel/constants.ts'
import type { Op } from '../../kernel/plan.ts'
import { extended } from '../../linux/cgroups/enclosure.ts'
import { type Amounts, type HeldLimit, type Hold, OURS } from './amounts.ts'
import { boxName } from './box-name.ts'
import type { Shared } from './ceiling.ts'
import { holdByCgroup, sweep } from './cgroup.ts'
import { type Question, unheld, type Way } from './choose.ts'
import { holdBySystemd } from './systemd.ts'
import { expected, holdByWatchdog, Watchdogs } from './watchdog.ts'

let last = 0

export interface Held extends Question {
  /** Undefined: no limits of its own. */
  readonly way: Way | undefined
  readonly ceiling?: Shared | undefined
  /** May commands make namespaces of their own? */
  readonly nested: boolean
}

export class Holder implements Disposable {
  readonly #held: Held
  readonly #watchdogs = new Watchdogs()

  /** @throws RuntimeError `policy-unenforceable` */
  constructor(held: Held) {
    this.#held = held
    const { way, ceiling, host } = held
    if (way?.by === 'cgroup' && !ceiling) sweep(way.survey)
    if (ceiling?.way.by === 'cgroup' && way !== undefined && way.by !== 'cgroup') throw unheld('cgroups', way.why, host)
  }

  /** What holds each limit. */
  get limits(): readonly HeldLimit[] {
    const { way, ceiling } = this.#held
    return [...(way ? expected(way) : []), ...(ceiling?.limits ?? [])]
  }

  /** For one command. @throws RuntimeError `cgroup-…` */
  begin(): Hold | undefined {
    const { way, ceiling, host, level, needsCgroup, mayBeLoose, nested: mayMount } = this.#held
    const isWhole = level !== 'L'
    const amounts: Amounts = way?.amounts ?? {}
    const place = ceiling?.place(amounts)
    if (place) return holdByCgroup(amounts, { host, survey: place, shared: ceiling?.amounts ?? {}, mayMount })
    const number = ++last
    if (way?.by === 'cgroup') return holdByCgroup(amounts, { host, survey: named(way, number), shared: {}, mayMount })
    const own = { group: () => this.#watchdogs.get(), isWhole }
    const around = ceiling && { group: () => ceiling.watchdogs.get(), isWhole }
    if (way?.by === 'systemd') {
      const scope = holdBySystemd({ way, host, name: boxName(number), mayBeLoose, needsCgroup, watching: own })
      return around ? both(scope, holdByWatchdog(nothing, around, ceiling.amounts)) : scope
    }
    if (way === undefined && !around) return undefined
    return holdByWatchdog(way ?? nothing, around ?? own, ceiling?.amounts)
  }

  [Symbol.dispose](): void {
    this.#watchdogs[Symbol.dispose]()
  }
}

const nothing: Way = { amounts: {}, by: 'watchdog', survey: [], why: '', refusesForks: false, loose: [] }

const named = ({ survey }: Way, number: number) => extended(survey, `-${number}`)

function both(one: Hold, other: Hold): Hold {
  return {
    ops: [...one.ops, ...other.ops],
    waits: one.waits || other.waits,
    born: async (first) => {
      await one.born(first)
      await other.born(first)
    },
    ending: () => {
      one.ending?.()
      other.ending?.()
    },
    end: async () => [...(await one.end()), ...(await other.end())],
  }
}

/** For the command itself, where the number of its processes is held so. */
export function planForks(way: Way | undefined, host: Host): Op[] {
  if (!way?.refusesForks || way.amounts.pids === undefined) return []
  const most = Math.min(way.amounts.pids + OURS, Number(host.rlimits.RLIMIT_NPROC?.hard ?? Number.POSITIVE_INFINITY))
  return [{ op: 'rlimit', resource: rlimitNumbers.RLIMIT_NPROC, soft: most, hard: most, origin: 'pids' }]
}
