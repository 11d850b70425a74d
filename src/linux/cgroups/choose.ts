/** Which cgroup a container gets, and what is asked of it: everything that can be refused before anything is made. */
import { RuntimeError } from '../../base/errors.ts'
import type { Degradation } from '../../base/issue.ts'
import type { Host } from '../../host/facts.ts'
import { hasDeviceRules, limitsAsked } from '../../spec/support.ts'
import type { Spec } from '../../spec/types.ts'
import { isRestrictive } from './devices.ts'
import { unheldLimits } from './limits/limits.ts'
import { type CgroupChoice, notesOf, notJoined, planOf, unguarded } from './plan.ts'
import type { Surveyed } from './survey.ts'

/** What was named; `auto` when nothing was. */
export type ManagerName = 'auto' | 'cgroupfs' | 'systemd' | 'disabled'

export interface CgroupQuestion {
  readonly spec: Spec
  readonly host: Host
  /** For systemd see `scope-plan.ts`. */
  readonly manager: 'cgroupfs' | 'disabled'
  /** Why it is disabled, when nobody has asked for that. */
  readonly why?: string
  readonly survey: readonly Surveyed[]
}

interface Asked {
  readonly path: boolean
  /** Pointers of limits. */
  readonly limits: readonly string[]
  /** Device rules that we could enforce. */
  readonly devices: boolean
}

/** @throws RuntimeError `cgroup-refused`, `cgroup-missing`, `config-invalid` */
export function chooseCgroup(question: CgroupQuestion): CgroupChoice {
  const { spec, host, manager, survey } = question
  const asked = askedOf(spec, host)
  if (manager === 'disabled')
    return question.why === undefined
      ? none('cgroups are switched off', everything(spec, 'cgroups are switched off by --cgroup-manager disabled'))
      : none(question.why, everything(spec, question.why))
  const usable = survey.filter(({ refusal }) => refusal === undefined)
  const refused = survey.find(
    ({ place, refusal }) => refusal && !(place.version === 2 && host.cgroup.layout === 'hybrid'),
  )
  if (refused?.refusal && mustHave(question, asked, usable.length > 0))
    throw refusedError(refused, refused.refusal, host)
  if (usable.length === 0) return withoutAny(question, asked)
  return { plan: planOf(question, usable), reason: '', degradations: notesOf(question, usable) }
}

/** Is a place that cannot be had a fault? Where failures are tolerated a path must be had, and on v2 a limit. */
function mustHave({ host }: CgroupQuestion, asked: Asked, hasSome: boolean): boolean {
  if (asked.path) return true
  if (host.rootlessCgroups) return host.cgroup.layout === 'v2' && asked.limits.length > 0 && !hasSome
  return asked.devices || asked.limits.length > 0
}

function askedOf({ linux }: Spec, host: Host): Asked {
  return {
    path: Boolean(linux?.cgroupsPath),
    limits: limitsAsked(linux?.resources),
    devices: host.realRoot && !host.rootlessCgroups && hasDeviceRules(linux?.resources),
  }
}

const none = (reason: string, degradations: readonly Degradation[] = []): CgroupChoice => ({
  plan: undefined,
  reason,
  degradations,
})

/** Then nothing of it holds, and that is told. */
function everything({ linux }: Spec, why: string): Degradation[] {
  const pointers = [
    ...(linux?.cgroupsPath ? ['/linux/cgroupsPath'] : []),
    ...limitsAsked(linux?.resources),
    ...(isRestrictive(linux?.resources?.devices) ? ['/linux/resources/devices'] : []),
  ]
  return pointers.map((pointer) => ({ pointer, message: `not enforced: ${why}` }))
}

function refusedError(
  { place }: Surveyed,
  { path, errno }: NonNullable<Surveyed['refusal']>,
  host: Host,
): RuntimeError {
  const isPlain = place.version === 2 && host.rootlessCgroups
  const words = isPlain ? 'rootless needs no limits + no cgrouppath when no permission is granted for cgroups: ' : ''
  return new RuntimeError('cgroup-refused', {
    what: `unable to apply cgroup configuration: ${words}mkdir ${path}`,
    errno,
    ...(host.rootlessCgroups
      ? {}
      : { fix: 'pass --rootless=true to go on without what needs a cgroup, or --cgroup-manager disabled' }),
  })
}

/** No place at all. What was asked for is then an error; device rules are one only for whoever could have had them. */
function withoutAny({ spec, host }: CgroupQuestion, asked: Asked): CgroupChoice {
  const [limit] = asked.limits
  const reason =
    host.cgroup.hierarchies.length === 0 ? 'no cgroup file system is mounted' : 'no cgroup may be made here'
  const wanted = limit ?? (asked.path ? '/linux/cgroupsPath' : asked.devices ? '/linux/resources/devices' : undefined)
  if (limit !== undefined) throw notJoined(limit, reason)
  if (wanted !== undefined)
    throw new RuntimeError('cgroup-refused', {
      origin: wanted,
      why: reason,
      fix: 'remove it from config.json, or pass --rootless=true or --cgroup-manager disabled to go on without',
    })
  return none(reason, [...unheldLimits(spec.linux?.resources, () => undefined, true), ...unguarded(spec)])
}
