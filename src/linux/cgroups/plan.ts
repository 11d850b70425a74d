/** What is written and guarded in the places that can be had. Pure. */
import { join } from 'node:path'
import { RuntimeError } from '../../base/errors.ts'
import type { Degradation } from '../../base/issue.ts'
import type { Host } from '../../host/facts.ts'
import { hasDeviceRules, limitsAsked } from '../../spec/support.ts'
import type { Resources, Spec } from '../../spec/types.ts'
import type { Property } from '../systemd/manager.ts'
import { type DeviceGuard, guardOf, isRestrictive } from './devices.ts'
import { checkLimitsHere, limitWrites, unheldLimits, type VersionOf } from './limits/limits.ts'
import type { SystemdLayout } from './limits/properties.ts'
import type { Write } from './limits/write.ts'
import type { Place } from './place.ts'
import type { CgroupRecord } from './record.ts'
import type { Surveyed } from './survey.ts'

/** What was asked of the cgroup of a container. */
export interface Wanted {
  readonly spec: Spec
  readonly host: Host
}

export interface ScopePlan {
  readonly unit: string
  readonly layout: SystemdLayout
  readonly properties: readonly Property[]
  /** The controllers that its manager may hand to it, from this directory on. */
  readonly top: string
}

export interface CgroupPlan {
  readonly places: readonly Place[]
  /** As the places were seen: what is to be taken away should we die before all of it is made. */
  readonly intended: CgroupRecord
  readonly writes: readonly Write[]
  /** Device rules that hold for everything inside; undefined where we cannot set any. */
  readonly guard: DeviceGuard | undefined
  /** The unit of systemd that is the cgroup; undefined where we make it ourselves. */
  readonly scope?: ScopePlan
  /** Whoever on the host gets the cgroup, and may make others in it. */
  readonly owner?: number | undefined
  /** Our own cgroup of v2, where the processes in it may be made to step aside. */
  readonly own?: string | undefined
}

export interface CgroupChoice {
  /** Undefined: the container stays in our own cgroup. */
  readonly plan: CgroupPlan | undefined
  readonly reason: string
  readonly degradations: readonly Degradation[]
}

/** `/linux/resources/pids/limit` → `pids`. */
const sectionOf = (pointer: string): string => pointer.split('/')[3] ?? ''

export function notJoined(pointer: string, why: string, fix?: string): RuntimeError {
  return new RuntimeError('cgroup-missing', {
    what: `cannot set ${sectionOf(pointer)} limit: container could not join or create cgroup`,
    origin: pointer,
    why,
    ...(fix === undefined ? {} : { fix }),
  })
}

export const unguarded = ({ linux }: Spec): Degradation[] =>
  isRestrictive(linux?.resources?.devices)
    ? [{ pointer: '/linux/resources/devices', message: 'device rules are not enforced: only real root can set them' }]
    : []

const hasV1 = ({ cgroup: { layout } }: Host): boolean => layout === 'v1' || layout === 'hybrid'

/** On which version of cgroups a controller is found among these. */
export const versionsOf =
  (found: readonly { readonly version: 1 | 2; readonly controllers: readonly string[] }[]): VersionOf =>
  (controller) =>
    found.find(({ controllers }) => controllers.includes(controller))?.version

export const versionsIn = (usable: readonly Surveyed[]): VersionOf =>
  versionsOf(usable.map(({ place, controllers }) => ({ version: place.version, controllers })))

export function planOf({ spec, host }: Wanted, usable: readonly Surveyed[]): CgroupPlan {
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
  const own = ownToLeave(spec, host)
  return { places, intended: intendedOf(usable), writes, guard: guards ? guard : undefined, own }
}

/**
 * The root of a cgroup namespace, or what was handed to us: below it we are alone. An absolute path may lead through the
 * cgroup of a service, whose processes stay where they are.
 */
function ownToLeave({ linux }: Spec, { cgroup: { layout, unified, ownPath } }: Host): string | undefined {
  if (layout !== 'v2' || unified === undefined || ownPath === undefined) return undefined
  return ownPath === '/' || !linux?.cgroupsPath?.startsWith('/')
    ? join(unified, ownPath).replace(/(.)\/$/, '$1')
    : undefined
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

export function notesOf({ spec, host }: Wanted, usable: readonly Surveyed[]): Degradation[] {
  const notes = unheldLimits(spec.linux?.resources, versionsIn(usable), hasV1(host))
  return host.realRoot && !host.rootlessCgroups ? notes : [...notes, ...unguarded(spec)]
}
