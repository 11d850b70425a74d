/** Limits held by a cgroup that we make: the first process enters it before it makes anything. */
import { Dispose } from '../../base/dispose.ts'
import type { Host } from '../../host/facts.ts'
import { extended, hitsOf, planEnclosure } from '../../linux/cgroups/enclosure.ts'
import { makeCgroup, removeCgroup } from '../../linux/cgroups/manager.ts'
import type { ManagedCgroup } from '../../linux/cgroups/record.ts'
import type { Surveyed } from '../../linux/cgroups/survey.ts'
import { sweepBeside } from '../../linux/cgroups/sweep.ts'
import { type Amounts, type HeldLimit, type Hold, type LimitName, named, OURS } from './amounts.ts'
import { isAbandoned } from './box-name.ts'

/** pids: ours as well, and for a moment the one that made it. */
export const withOurs = ({ pids, ...others }: Amounts): Amounts => ({
  ...others,
  ...(pids === undefined ? {} : { pids: pids + OURS }),
})

/** @throws RuntimeError `cgroup-…`; then nothing is left */
export function makeEnclosure(amounts: Amounts, host: Host, survey: readonly Surveyed[]): ManagedCgroup {
  const undo = new Dispose()
  try {
    return makeCgroup(planEnclosure(amounts, host, survey), undo)
  } catch (error) {
    // What it made is empty, so this takes no time.
    void undo[Symbol.asyncDispose]().catch(() => {})
    throw error
  }
}

/** What programs that were killed have left beside it. */
export const sweep = (survey: readonly Surveyed[]): void => sweepBeside(survey, isAbandoned)

export interface Enclosed {
  readonly host: Host
  readonly survey: readonly Surveyed[]
  /** Those of a ceiling around it. */
  readonly shared: Amounts
  /** Its commands may mount the cgroups of their namespace, and write to the one where it begins. */
  readonly mayMount: boolean
}

export function holdByCgroup(amounts: Amounts, { host, survey, shared, mayMount }: Enclosed): Hold {
  const record = makeEnclosure(withOurs(amounts), host, survey)
  // What they could write to then has no limits.
  const inner = mayMount ? makeEnclosure({}, host, extended(survey, '/in')) : record
  return {
    ops: inner.homes.map(({ path }) => ({ op: 'enterCgroup', path, origin: 'limits' })),
    // The one that made the first process counts as long as nobody has collected it.
    waits: amounts.pids !== undefined || shared.pids !== undefined,
    born: () => {},
    end: async () => {
      const told = reachedIn([record, inner], amounts, shared)
      await removeCgroup(record, { kill: false })
      return told
    },
  }
}

/** A process that is ended counts where it is, whoever's limit it was. */
export function reachedIn(records: readonly ManagedCgroup[], amounts: Amounts, shared: Amounts = {}): HeldLimit[] {
  // Some kernels count on the way up, some do not.
  const all = records.map(hitsOf)
  const hits = { memory: Math.max(...all.map(({ memory }) => memory)), pids: Math.max(...all.map(({ pids }) => pids)) }
  const enforcedBy = records[0]?.manager === 'systemd' ? 'systemd' : 'cgroup'
  const tell = (limit: LimitName, of: Amounts): HeldLimit => ({
    limit,
    value: of[limit] as number,
    enforcedBy,
    ...(of === shared ? { isShared: true as const } : {}),
    ...(limit === 'cpus' || (of === shared && amounts[limit] !== undefined) ? {} : { hits: hits[limit] }),
  })
  return [...named(amounts).map((limit) => tell(limit, amounts)), ...named(shared).map((limit) => tell(limit, shared))]
}
