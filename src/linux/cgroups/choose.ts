/** Which cgroup a container gets, and what is asked of it: everything that can be refused before anything is made. */
import { join } from 'node:path'
import { RuntimeError } from '../../base/errors.ts'
import type { Degradation } from '../../base/issue.ts'
import type { Host } from '../../host/facts.ts'
import { hasDeviceRules, limitsAsked } from '../../spec/support.ts'
import type { Resources, Spec } from '../../spec/types.ts'
import { type DeviceGuard, guardOf, isRestrictive } from './devices.ts'
import { checkLimitsHere, limitWrites, unheldLimits, type VersionOf } from './limits/limits.ts'
import type { Write } from './limits/write.ts'
import type { Place } from './place.ts'
import type { CgroupRecord } from './record.ts'
import type { Surveyed } from './survey.ts'

export type ManagerName = 'cgroupfs' | 'systemd' | 'disabled'

export interface CgroupPlan {
  readonly places: readonly Place[]
  /** As the places were seen: what is to be taken away should we die before all of it is made. */
  readonly intended: CgroupRecord
  readonly writes: readonly Write[]
  /** Device rules that hold for everything inside; undefined where we cannot set any. */
  readonly guard: DeviceGuard | undefined
}

export interface CgroupChoice {
  /** Undefined: the container stays in our own cgroup. */
  readonly plan: CgroupPlan | undefined
  readonly reason: string
  readonly degradations: readonly Degradation[]
}

export interface CgroupQuestion {
  readonly spec: Spec
  readonly host: Host
  readonly manager: ManagerName
  readonly survey: readonly Surveyed[]
}

interface Asked {
  readonly path: boolean
  /** Pointers of limits. */
  readonly limits: readonly string[]
  /** Device rules that we could enforce. */
  readonly devices: boolean
}

/** @throws RuntimeError `cgroup-refused`, `cgroup-missing`, `systemd-missing`, `not-supported-yet`, `config-invalid` */
export function chooseCgroup(question: CgroupQuestion): CgroupChoice {
  const { spec, host, manager, survey } = question
  const asked = askedOf(spec, host)
  if (manager === 'disabled') return none('cgroups are switched off', everything(spec))
  if (manager === 'systemd') return withSystemd(question, asked)
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

/** Switched off by name: then nothing of it holds, and that is told. */
function everything({ linux }: Spec): Degradation[] {
  const pointers = [
    ...(linux?.cgroupsPath ? ['/linux/cgroupsPath'] : []),
    ...limitsAsked(linux?.resources),
    ...(isRestrictive(linux?.resources?.devices) ? ['/linux/resources/devices'] : []),
  ]
  return pointers.map((pointer) => ({
    pointer,
    message: 'not enforced: cgroups are switched off by --cgroup-manager disabled',
  }))
}

function withSystemd({ host }: CgroupQuestion, asked: Asked): CgroupChoice {
  if (!host.hasSystemd) throw new RuntimeError('systemd-missing')
  if (!host.rootlessCgroups || asked.limits.length > 0)
    throw new RuntimeError('not-supported-yet', {
      what: 'the systemd cgroup manager is not supported yet',
      fix: 'use the cgroupfs manager (podman: --cgroup-manager cgroupfs; containerd: SystemdCgroup = false)',
    })
  const message = 'the systemd cgroup manager is not supported yet: the container stays in our own cgroup'
  return none('systemd is not asked for cgroups yet', [{ pointer: '/linux/cgroupsPath', message }])
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
  return none(reason, [...unheldLimits(spec.linux?.resources, () => undefined), ...unguarded(spec)])
}

const unguarded = ({ linux }: Spec): Degradation[] =>
  isRestrictive(linux?.resources?.devices)
    ? [{ pointer: '/linux/resources/devices', message: 'device rules are not enforced: only real root can set them' }]
    : []

/** `/linux/resources/pids/limit` → `pids`. */
const sectionOf = (pointer: string): string => pointer.split('/')[3] ?? ''

function notJoined(pointer: string, why: string): RuntimeError {
  return new RuntimeError('cgroup-missing', {
    what: `cannot set ${sectionOf(pointer)} limit: container could not join or create cgroup`,
    origin: pointer,
    why,
  })
}

const hasV1 = ({ cgroup: { layout } }: Host): boolean => layout === 'v1' || layout === 'hybrid'

/** On which version of cgroups a controller is found among these. */
export const versionsOf =
  (found: readonly { readonly version: 1 | 2; readonly controllers: readonly string[] }[]): VersionOf =>
  (controller) =>
    found.find(({ controllers }) => controllers.includes(controller))?.version

const versionsIn = (usable: readonly Surveyed[]): VersionOf =>
  versionsOf(usable.map(({ place, controllers }) => ({ version: place.version, controllers })))

function planOf({ spec, host }: CgroupQuestion, usable: readonly Surveyed[]): CgroupPlan {
  const resources: Resources = spec.linux?.resources ?? {}
  const versionOf = versionsIn(usable)
  const issues = checkLimitsHere(resources, versionOf, hasV1(host))
  const { guard, issues: ruleIssues } = guardOf(resources.devices)
  if (issues.length + ruleIssues.length > 0)
    throw new RuntimeError('config-invalid', {
      details: [...issues, ...ruleIssues].map(({ pointer, message }) => `${pointer}: ${message}`),
    })
  const writes = heldWrites(resources, versionOf, host)
  const guards = host.realRoot && !host.rootlessCgroups && mayGuard(usable, host)
  if (hasDeviceRules(resources) && !guards && host.realRoot && !host.rootlessCgroups)
    throw new RuntimeError('cgroup-refused', {
      origin: '/linux/resources/devices',
      why: 'no devices controller is mounted, and the kernel takes device programs only from CAP_SYS_ADMIN',
      fix: 'remove the rules, or pass --rootless=true to go on without them',
    })
  const places = usable.map(({ place }) => place)
  return { places, intended: intendedOf(usable), writes, guard: guards ? guard : undefined }
}

const intendedOf = (usable: readonly Surveyed[]): CgroupRecord => ({
  manager: 'cgroupfs',
  // One that is there already may be somebody else's: whether it is free is looked at when it is taken.
  homes: usable
    .filter(({ missing }) => missing > 0)
    .map(({ place: { version, mount, path }, controllers, missing }) => ({
      version,
      controllers,
      path: join(mount, path),
      made: missing,
    })),
  guardsDevices: false,
})

/** What lifts a limit holds without the controller too; what sets one does not. */
function heldWrites(resources: Resources, versionOf: VersionOf, host: Host): Write[] {
  const asked = limitsAsked(resources)
  return limitWrites(resources, versionOf, hasV1(host)).filter(({ controller, origin }) => {
    if (controller === 'cgroup' || versionOf(controller) !== undefined) return true
    if (!asked.some((pointer) => origin === pointer || origin.startsWith(`${pointer}/`))) return false
    throw notJoined(origin, `the ${controller} controller cannot be had here`)
  })
}

const CAP_SYS_ADMIN = 21n

/** v1 has a controller for devices; on v2 it is a program, which needs the capability. */
function mayGuard(usable: readonly Surveyed[], { capEffective }: Host): boolean {
  if (usable.some(({ place, controllers }) => place.version === 1 && controllers.includes('devices'))) return true
  return usable.some(({ place }) => place.version === 2) && ((capEffective >> CAP_SYS_ADMIN) & 1n) === 1n
}

function notesOf({ spec, host }: CgroupQuestion, usable: readonly Surveyed[]): Degradation[] {
  const notes = unheldLimits(spec.linux?.resources, versionsIn(usable))
  return host.realRoot && !host.rootlessCgroups ? notes : [...notes, ...unguarded(spec)]
}
