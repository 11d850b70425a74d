/** Limits held by a scope of the user's systemd, which moves the first process there while that waits. */
import { Dispose } from '../../base/dispose.ts'
import { RuntimeError } from '../../base/errors.ts'
import type { Host } from '../../host/facts.ts'
import { resourcesOf } from '../../linux/cgroups/enclosure.ts'
import type { ManagedCgroup } from '../../linux/cgroups/record.ts'
import { removeScope, startScope } from '../../linux/cgroups/scope.ts'
import { chooseScope, scopePlaces, wantedUnit } from '../../linux/cgroups/scope-plan.ts'
import { surveyScope } from '../../linux/cgroups/survey.ts'
import { Manager } from '../../linux/systemd/manager.ts'
import type { Amounts, HeldLimit, Hold } from './amounts.ts'
import { reachedIn, withOurs } from './cgroup.ts'
import { unheld, type Way } from './choose.ts'
import { holdByWatchdog, type Watching } from './watchdog.ts'

export interface Asked {
  readonly way: Way
  readonly host: Host
  /** Of the unit. */
  readonly name: string
  readonly mayBeLoose: boolean
  readonly needsCgroup: boolean
  /** What does it where systemd cannot. */
  readonly watching: Watching
}

export function holdBySystemd(asked: Asked): Hold {
  const { way, host } = asked
  const undo = new Dispose()
  let record: ManagedCgroup | undefined
  let instead: Hold | undefined
  let told: readonly HeldLimit[] | undefined
  return {
    ops: [],
    waits: true,
    born: async (first) => {
      try {
        record = await start(asked, first, undo)
      } catch (error) {
        await undo[Symbol.asyncDispose]()
        instead = standIn(asked, error)
        await instead.born(first)
      }
    },
    ending: () => {
      if (record) told = reachedIn([record], way.amounts)
    },
    end: async () => {
      if (instead) return instead.end()
      if (!record) return []
      told ??= reachedIn([record], way.amounts)
      await removeScope(record, host)
      return told
    },
  }
}

async function start({ way, host, name }: Asked, pid: number, undo: Dispose): Promise<ManagedCgroup> {
  using manager = await Manager.open(host)
  const facts = await manager.facts()
  const amounts: Amounts = withOurs(way.amounts)
  // Nobody deletes a sandbox by name, so systemd forgets also a scope that failed: systemd.unit(5), v236.
  const bare = { ociVersion: '', annotations: { 'org.systemd.property.CollectMode': "'inactive-or-failed'" } }
  const unit = wantedUnit({ spec: bare, host }, name)
  const survey = surveyScope(scopePlaces(unit, facts, host.cgroup), facts)
  const spec = { ...bare, linux: { resources: resourcesOf(amounts, survey) } }
  const { plan } = chooseScope({ spec, host, id: name, unit, facts, survey })
  if (plan?.scope === undefined) throw new RuntimeError('cgroup-missing')
  return await startScope({ ...plan, guard: undefined }, { scope: plan.scope, host, pid }, undo)
}

/** @throws RuntimeError `policy-unenforceable` where nothing else will do */
function standIn({ way, host, mayBeLoose, needsCgroup, watching }: Asked, error: unknown): Hold {
  const why = error instanceof RuntimeError ? [error.what, error.why ?? ''].filter(Boolean).join(': ') : String(error)
  if (needsCgroup) throw unheld('cgroups', why, host)
  if (way.amounts.cpus !== undefined && !mayBeLoose) throw unheld('cpus', why, host)
  const loose = way.amounts.cpus === undefined ? [] : (['cpus'] as const)
  return holdByWatchdog({ ...way, by: 'watchdog', why, refusesForks: false, loose }, watching)
}
