/** The scope of systemd that a container gets, and what it is to hold: all that can be refused before anything is made. Pure. */
import { join } from 'node:path'
import { RuntimeError } from '../../base/errors.ts'
import type { Degradation } from '../../base/issue.ts'
import type { Host } from '../../host/facts.ts'
import { limitsAsked } from '../../spec/support.ts'
import type { Resources } from '../../spec/types.ts'
import { variant } from '../systemd/encode.ts'
import type { ManagerFacts, Property } from '../systemd/manager.ts'
import { directoryName, slicePath, type UnitPlace, unitPlace } from '../systemd/names.ts'
import { annotatedProperties } from '../systemd/property-text.ts'
import type { DeviceGuard } from './devices.ts'
import { unheldLimits } from './limits/limits.ts'
import { limitProperties, roundedCpu, type SystemdLayout } from './limits/properties.ts'
import type { Place } from './place.ts'
import {
  type CgroupChoice,
  type CgroupPlan,
  notesOf,
  notJoined,
  planOf,
  unguarded,
  versionsIn,
  type Wanted,
} from './plan.ts'
import { deviceProperties } from './scope-devices.ts'
import type { Surveyed } from './survey.ts'

/** What a manager says of itself, or why it says nothing. */
export type Answer = ManagerFacts | RuntimeError

/** @throws RuntimeError `config-invalid` */
export function wantedUnit({ spec }: Wanted, id: string): UnitPlace {
  const place = unitPlace(spec.linux?.cgroupsPath, id)
  if ('wrong' in place) throw new RuntimeError('config-invalid', { details: [`/linux/cgroupsPath: ${place.wrong}`] })
  return place
}

/** The manager's own: system.slice(7) is for system services, user.slice is what runc takes for users. */
const sliceOf = ({ slice }: UnitPlace, { manager }: ManagerFacts): string =>
  slice ?? (manager === 'system' ? 'system.slice' : 'user.slice')

/** systemd has one name for all trees. */
export function scopePlaces(unit: UnitPlace, facts: ManagerFacts, { hierarchies }: Host['cgroup']): Place[] {
  const path = join('/', facts.cgroup, slicePath(sliceOf(unit, facts)) ?? '', directoryName(unit.unit))
  return hierarchies.map(({ version, controllers, target }) => ({ version, controllers, mount: target, path }))
}

export interface ScopeQuestion extends Wanted {
  readonly id: string
  readonly unit: UnitPlace
  readonly facts: ManagerFacts
  readonly survey: readonly Surveyed[]
}

/** @throws RuntimeError `cgroup-missing`, `cgroup-refused`, `config-invalid` */
export function chooseScope(question: ScopeQuestion): CgroupChoice {
  const { spec, host, facts, survey } = question
  refuseUndelegated(question)
  const resources = spec.linux?.resources ?? {}
  const rounded = { ...spec, linux: { ...spec.linux, resources: asSystemdKeeps(resources) } }
  const plan = planOf({ spec: rounded, host }, survey)
  const intended = plan.intended.manager === 'none' ? plan.intended : { ...plan.intended, manager: 'systemd' as const }
  const layout = { version: facts.version, isLegacy: host.cgroup.layout !== 'v2' }
  const top = join(host.cgroup.unified ?? '/', facts.cgroup)
  const { unit } = question.unit
  const properties = propertiesOf(question, layout, plan.guard)
  return {
    plan: { ...plan, intended, scope: { unit, layout, properties, top } },
    reason: '',
    degradations: [...notesOf({ spec, host }, survey), ...looseDevices(plan, layout)],
  }
}

/** So that the file says the same as the unit: at its next reload systemd writes what it has kept. */
export const asSystemdKeeps = (resources: Resources): Resources =>
  resources.cpu ? { ...resources, cpu: roundedCpu(resources.cpu) } : resources

/** The unit's properties in the order of their precedence: a later one of the same name counts. */
function propertiesOf(
  { spec, id, unit, facts }: ScopeQuestion,
  layout: SystemdLayout,
  guard: DeviceGuard | undefined,
): Property[] {
  const yes = variant('b', true)
  const annotated = annotatedProperties(spec.annotations ?? {})
  if (annotated.issues.length > 0) throw new RuntimeError('config-invalid', { details: annotated.issues })
  const all: Property[] = [
    ['Description', variant('s', `usnea container ${id}`)],
    ['Slice', variant('s', sliceOf(unit, facts))],
    ['Delegate', yes],
    ['DefaultDependencies', variant('b', false)],
    ['CPUAccounting', yes],
    ['MemoryAccounting', yes],
    [layout.isLegacy ? 'BlockIOAccounting' : 'IOAccounting', yes],
    ['TasksAccounting', yes],
    ...(layout.isLegacy && guard ? deviceProperties(guard) : []),
    ...limitProperties(spec.linux?.resources ?? {}, layout),
    ...annotated.properties,
  ]
  return [...new Map(all.map((property) => [property[0], property])).values()]
}

/** A rule that systemd has no property for would be gone when it writes the devices controller of v1 again. */
function looseDevices({ guard }: CgroupPlan, { isLegacy }: SystemdLayout): Degradation[] {
  if (!isLegacy || guard?.default !== 'allow' || guard.exceptions.length === 0) return []
  const message = 'device rules that only take something away are lost when systemd reloads: it has no such property'
  return [{ pointer: '/linux/resources/devices', message }]
}

/** A user's manager hands on what was handed to it, and by default that is not all: systemd.resource-control(5), Delegate=. */
function refuseUndelegated({ spec, host, facts, survey }: ScopeQuestion): void {
  const versionOf = versionsIn(survey)
  const needed = new Set(limitsAsked(spec.linux?.resources).flatMap((pointer) => controllerOf(pointer)))
  for (const [controller, pointer] of needed) {
    if (versionOf(controller) !== undefined) continue
    throw notJoined(pointer, whyMissing(controller, { host, facts }), fixMissing(controller, facts))
  }
}

type Context = Pick<ScopeQuestion, 'host' | 'facts'>

function whyMissing(controller: string, { host, facts }: Context): string {
  if (facts.manager === 'system') return `the ${controller} controller cannot be had here`
  if (host.cgroup.layout !== 'v2') return "on cgroup v1 no controller is handed to a user's systemd"
  return `the ${controller} controller is not handed to your systemd user manager`
}

const delegable = ['cpu', 'cpuset', 'io', 'memory', 'pids']

function fixMissing(controller: string, { manager }: ManagerFacts): string | undefined {
  if (manager === 'system' || !delegable.includes(controller)) return undefined
  return `printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' | sudo tee /etc/systemd/system/user@.service.d/delegate.conf (make the directory first), then sudo systemctl daemon-reload and log in again`
}

/** Of limits that only one controller can hold; the rest is found out where they are written. */
function controllerOf(pointer: string): [controller: string, pointer: string][] {
  const [section = '', key = ''] = pointer.split('/').slice(3)
  if (section === 'cpu') return [[['cpus', 'mems'].includes(key) ? 'cpuset' : 'cpu', pointer]]
  return ['memory', 'pids'].includes(section) ? [[section, pointer]] : []
}

/**
 * Nobody gives us a scope. Where failures are tolerated and nothing was asked of it, the container stays where we are.
 * @throws the answer itself
 */
export function withoutScope({ spec, host }: Wanted, why: RuntimeError): CgroupChoice {
  const { resources, cgroupsPath } = spec.linux ?? {}
  if (!host.rootlessCgroups || cgroupsPath || limitsAsked(resources).length > 0) throw why
  const degradations = [...unheldLimits(resources, () => undefined, true), ...unguarded(spec)]
  return { plan: undefined, reason: why.what, degradations }
}
