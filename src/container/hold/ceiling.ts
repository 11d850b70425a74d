/** Limits of several sandboxes together: a cgroup around theirs, or one watchdog that adds them up. */
import { dirname, join } from 'node:path'
import { RuntimeError } from '../../base/errors.ts'
import type { Host } from '../../host/facts.ts'
import { surveyEnclosure } from '../../linux/cgroups/enclosure.ts'
import { isStillThere } from '../../linux/cgroups/identity.ts'
import { signalMembers } from '../../linux/cgroups/kill.ts'
import { removeCgroup } from '../../linux/cgroups/manager.ts'
import type { ManagedCgroup } from '../../linux/cgroups/record.ts'
import type { Surveyed } from '../../linux/cgroups/survey.ts'
import { type Amounts, type HeldLimit, limitNames, named } from './amounts.ts'
import { boxName } from './box-name.ts'
import { makeEnclosure, sweep } from './cgroup.ts'
import { chooseWay, type Way } from './choose.ts'
import { expected, Watchdogs } from './watchdog.ts'

const SIGKILL = 9

let last = 0

export class Shared implements AsyncDisposable {
  readonly amounts: Amounts
  readonly way: Way
  readonly watchdogs: Watchdogs
  readonly #host: Host
  /** As for `cgroupsPath`. */
  #path: string
  #record: ManagedCgroup | undefined
  #last = 0
  #isEnded = false

  /** @throws RuntimeError `policy-unenforceable`, `cgroup-…` */
  constructor(amounts: Amounts, host: Host, mayBeLoose: boolean) {
    this.amounts = amounts
    this.#host = host
    this.#path = boxName(`all${++last}`)
    const question = { amounts, host, level: 'L', needsCgroup: false, mayBeLoose, isShared: true } as const
    this.way = chooseWay(question) ?? { amounts, by: 'watchdog', survey: [], why: '', refusesForks: false, loose: [] }
    this.watchdogs = new Watchdogs(amounts)
    if (this.way.by !== 'cgroup') return
    const survey = this.#survey(this.#path, {})
    if (survey.some(({ place }) => place.version === 2 && place.path === `/${this.#path}`))
      this.#path = `/${this.#path}`
    if (survey.length === 0) throw new RuntimeError('ceiling-gone')
    sweep(survey)
    this.#record = makeEnclosure(amounts, host, survey)
  }

  /**
   * Where the cgroup of one more sandbox is to lie, with these limits of its own; undefined where it cannot lie in ours.
   * @throws RuntimeError `ceiling-gone`
   */
  place(own: Amounts): readonly Surveyed[] | undefined {
    if (this.#isEnded)
      throw new RuntimeError('sandbox-option', { what: 'the ceiling of the sandbox has been disposed of' })
    if (this.way.by !== 'cgroup') return undefined
    return this.#within(this.#survey(`${this.#path}/${++this.#last}`, own))
  }

  /** In each of our cgroups, as they were made: a tree where we have none has no limit of ours. */
  #within(survey: readonly Surveyed[]): readonly Surveyed[] {
    const homes = (this.#record?.homes ?? []).flatMap(({ path, ino }) => (ino === undefined ? [] : { path, ino }))
    const homeOf = ({ place }: Surveyed) => homes.find(({ path }) => path === dirname(join(place.mount, place.path)))
    const gone = homes.find((home) => !isStillThere(home) || !survey.some((one) => homeOf(one) === home))
    if (gone || homes.length === 0) throw new RuntimeError('ceiling-gone', gone ? { details: [gone.path] } : {})
    return survey.map((one) => ({ ...one, place: { ...one.place, within: homeOf(one) } }))
  }

  /** In all of the three trees where they can be had, so that what has limits of its own finds its place there. */
  #survey(path: string, own: Amounts): readonly Surveyed[] {
    const whole = surveyEnclosure(path, this.#host, limitNames)
    const needed = [...new Set([...named(this.amounts), ...named(own)])]
    const survey = typeof whole === 'string' ? surveyEnclosure(path, this.#host, needed) : whole
    // Somebody has taken the trees away since we were made: the next step says so.
    return typeof survey === 'string' ? [] : survey
  }

  get limits(): readonly HeldLimit[] {
    return expected(this.way).map((one) => ({ ...one, isShared: true }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.watchdogs[Symbol.dispose]()
    const record = this.#record
    this.#record = undefined
    this.#isEnded = true
    if (record === undefined) return
    // One that is just being started may come in behind our look.
    const again = setInterval(() => signalMembers(record, SIGKILL), 20)
    try {
      await removeCgroup(record, { kill: true })
    } finally {
      clearInterval(again)
    }
  }
}
