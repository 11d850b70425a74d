/** Who would hold limits: we in a cgroup that we may make, or systemd in a scope of its own. */
import type { Host } from '../host/facts.ts'
import { scopePlaces } from '../linux/cgroups/scope-plan.ts'
import { surveyAround, surveyScope } from '../linux/cgroups/survey.ts'
import { Manager } from '../linux/systemd/manager.ts'
import { unitPlace } from '../linux/systemd/names.ts'
import { type Finding, fromError, ok, weak } from './finding.ts'

const [id, title] = ['cgroups', 'cgroups']
const subject = { id, title }
/** Those that everybody asks for. */
const usual = ['cpu', 'memory', 'pids'] as const

/** Nothing is made: a scope would show in the journal. */
export async function cgroupFinding(host: Host): Promise<Finding> {
  const { layout } = host.cgroup
  if (layout === 'none') return weak(subject, 'cgroup-none')
  const surveyed = surveyAround('usnea-doctor', host.cgroup)
  const own = surveyed.filter(({ refusal }) => refusal === undefined).flatMap(({ controllers }) => controllers)
  if (usual.every((name) => own.includes(name))) return ok(id, title, `${layout}, made by us: ${words(own)}`)
  if (host.cgroup.hierarchies.every(({ target }) => isReadOnly(host, target)))
    return weak(subject, 'cgroup-readonly', { what: `${layout}, mounted read-only` })
  if (host.hasSystemd) return lent(host)
  return weak(subject, 'cgroup-undelegated', {
    what: `${layout}, ${own.length > 0 ? `only ${words(own)}` : 'not delegated to us'}`,
  })
}

async function lent(host: Host): Promise<Finding> {
  const { layout } = host.cgroup
  try {
    using manager = await Manager.open(host)
    const facts = await manager.facts()
    const unit = unitPlace(undefined, 'usnea-doctor')
    const scope = 'wrong' in unit ? [] : surveyScope(scopePlaces(unit, facts, host.cgroup), facts)
    const controllers = scope.flatMap((place) => place.controllers)
    const who = facts.manager === 'user' ? 'your systemd' : 'systemd'
    if (usual.every((name) => controllers.includes(name)))
      return ok(id, title, `${layout}, as scopes of ${who}: ${words(controllers)}`)
    return weak(subject, 'cgroup-controllers', {
      what: `${layout}, as scopes of ${who}: ${words(controllers) || 'without controllers'}`,
    })
  } catch (error) {
    return fromError(id, title, error, 'weak')
  }
}

const isReadOnly = ({ mounts }: Host, target: string): boolean =>
  mounts.findLast((mount) => mount.target === target)?.options.includes('ro') === true

const words = (controllers: readonly string[]): string => controllers.filter((name) => !name.includes('=')).join(' ')
