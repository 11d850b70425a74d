/** Who would hold limits: we in a cgroup that we may make, or systemd in a scope of its own. */
import type { Host } from '../host/facts.ts'
import { scopePlaces } from '../linux/cgroups/scope-plan.ts'
import { surveyAround, surveyScope } from '../linux/cgroups/survey.ts'
import { Manager } from '../linux/systemd/manager.ts'
import { unitPlace } from '../linux/systemd/names.ts'
import { type Finding, fromError, ok } from './finding.ts'

const [id, title] = ['cgroups', 'cgroups']
/** Those that everybody asks for. */
const usual = ['cpu', 'memory', 'pids'] as const

/** Nothing is made: a scope would show in the journal. */
export async function cgroupFinding(host: Host): Promise<Finding> {
  const { layout } = host.cgroup
  if (layout === 'none') return weak('no cgroup file system')
  const usable = surveyAround('usnea-doctor', host.cgroup).filter(({ refusal }) => refusal === undefined)
  const own = usable.flatMap(({ controllers }) => controllers)
  if (usual.every((name) => own.includes(name))) return ok(id, title, `${layout}, made by us: ${words(own)}`)
  if (!host.hasSystemd) return weak(`${layout}, ${own.length > 0 ? `only ${words(own)}` : 'not delegated to us'}`)
  try {
    using manager = await Manager.open(host)
    const facts = await manager.facts()
    const unit = unitPlace(undefined, 'usnea-doctor')
    const scope = 'wrong' in unit ? [] : surveyScope(scopePlaces(unit, facts, host.cgroup), facts)
    const lent = scope.flatMap(({ controllers }) => controllers)
    const who = facts.manager === 'user' ? 'your systemd' : 'systemd'
    if (usual.every((name) => lent.includes(name)))
      return ok(id, title, `${layout}, as scopes of ${who}: ${words(lent)}`)
    return { ...weak(`${layout}, as scopes of ${who}: ${words(lent) || 'without controllers'}`), ...undelegated }
  } catch (error) {
    return fromError(id, title, error, 'weak')
  }
}

const words = (controllers: readonly string[]): string => controllers.filter((name) => !name.includes('=')).join(' ')

const undelegated = {
  why: 'not all controllers are handed to it',
  fix: 'give user@.service Delegate=cpu cpuset io memory pids: see docs/cgroups.md',
}

const weak = (what: string): Finding => ({
  id,
  title,
  status: 'weak',
  what,
  why: 'a limit that needs one of the others is an error, unless --enforce watchdog lets something stand in for it',
})
