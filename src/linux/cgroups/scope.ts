/** The cgroup of a container as a scope of systemd: started around its first process, changed, joined and stopped. */
import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Dispose } from '../../base/dispose.ts'
import { RuntimeError } from '../../base/errors.ts'
import type { Host } from '../../host/facts.ts'
import type { Resources } from '../../spec/types.ts'
import { variant } from '../systemd/encode.ts'
import { Manager, type Property } from '../systemd/manager.ts'
import { applyWrites } from './apply.ts'
import { readCgroupFile } from './files.ts'
import { inodeOf } from './identity.ts'
import { killMembers } from './kill.ts'
import { limitProperties } from './limits/properties.ts'
import { assertCgroupfs, guardDevices, placeProcess, removeCgroup } from './manager.ts'
import { pidsBelow } from './members.ts'
import { giveCgroup } from './ownership.ts'
import type { CgroupPlan, ScopePlan } from './plan.ts'
import type { CgroupRecord, Home, ManagedCgroup } from './record.ts'
import { controllersAt } from './survey.ts'
import { assertFree, enableControllers, makeMissing } from './tree.ts'

export interface Starting {
  readonly scope: ScopePlan
  readonly host: Host
  /** The container's first process, which waits meanwhile. */
  readonly pid: number
}

/**
 * Starts the scope around the process; limits and device rules are in force when this settles.
 * @throws RuntimeError `systemd-…`, `cgroup-…`; `undo` then takes away what was made
 */
export async function startScope(
  plan: CgroupPlan,
  { scope, host, pid }: Starting,
  undo: Dispose,
): Promise<ManagedCgroup> {
  const { unit: name } = scope
  using manager = await Manager.open(host)
  refuseUsed(plan)
  await manager.startScope(name, [...scope.properties, ['PIDs', variant('au', [pid])]])
  // Without its own number it could be somebody else's in a moment: then it is not ours to stop.
  const unit = { name, invocation: (await manager.invocationOf(name)) ?? '' }
  const homes: Home[] = []
  const record = (): ManagedCgroup => ({ manager: 'systemd', homes, guardsDevices: plan.guard !== undefined, unit })
  undo.push(() => removeScope(record(), host))
  for (const place of plan.places) {
    const path = join(place.mount, place.path)
    if (place.version === 2) {
      assertInside(path, { pid, name })
      enableDown(path, scope.top, plan)
      homes.push({ version: 2, controllers: controllersAt(path), path, made: 1, ino: inodeOf(path) })
    } else {
      const made = makeMissing(place)
      homes.push({ version: 1, controllers: place.controllers, path, made, ino: inodeOf(path) })
    }
    assertCgroupfs(homes.at(-1) as Home)
  }
  // systemd does not know all controllers of v1.
  await placeProcess(
    homes.filter(({ version }) => version === 1),
    pid,
  )
  if (plan.guard) guardDevices(record(), plan.guard)
  applyWrites(record(), plan.writes)
  giveCgroup(record(), plan.owner)
  return record()
}

/** A scope of that name may stand idle after a crash; one with processes is somebody's container, and in a frozen one ours would stop. */
function refuseUsed({ places }: CgroupPlan): void {
  for (const place of places) {
    const path = join(place.mount, place.path)
    if (existsSync(path)) assertFree(place, path)
  }
}

/** Its place is what the container was prepared for: mounts, and the paths that later commands use. */
function assertInside(path: string, { pid, name }: { pid: number; name: string }): void {
  if (pidsBelow(path).includes(pid)) return
  throw new RuntimeError('systemd-refused', {
    what: `the unit ${name} is not at ${path}`,
    why: 'systemd sees another cgroup tree than we do: probably we are in a cgroup namespace of our own',
    fix: 'use --cgroup-manager cgroupfs here',
  })
}

/** Controllers that systemd does not know, such as hugetlb, are handed down by us where they are needed. */
function enableDown(path: string, top: string, { writes }: CgroupPlan): void {
  const there = controllersAt(path)
  const needs = writes
    .filter(({ version, controller }) => version === 2 && controller !== 'cgroup' && !there.includes(controller))
    .map(({ controller }) => controller)
  if (needs.length === 0) return
  const steps = relative(top, dirname(path)).split('/').filter(Boolean)
  for (let i = 0; i <= steps.length; i++) enableControllers(join(top, ...steps.slice(0, i)), { needs, all: false })
}

/**
 * Ends what is in it, stops the unit, and removes what systemd does not know of. When systemd cannot be asked but nothing
 * is left, that is enough: a scope ends with its last process. Another run of a unit of that name lies at the same paths,
 * and is left alone. @throws RuntimeError `cgroup-busy`, `kill-failed`, `systemd-…`
 */
export async function removeScope(record: ManagedCgroup, host: Host): Promise<void> {
  const found = await withUnit(record, host, async (_manager, run) => run)
  if (found === 'another') return
  const refusal = await killMembers(record).then(
    () => (found === 'ours' ? stopUnit(record, host) : found),
    (error: unknown) => error,
  )
  await removeCgroup(record, { kill: false }).catch((error: unknown) => {
    throw refusal ?? error
  })
}

/** Resolves to what went wrong. */
async function stopUnit(record: ManagedCgroup, host: Host): Promise<unknown> {
  const done = await withUnit(record, host, async (manager, run, name) => {
    if (run === 'ours') await manager.stop(name)
  })
  return done
}

type Look<T> = (manager: Manager, run: 'ours' | 'another' | undefined, name: string) => Promise<T>

/** Resolves to what `look` gives, or to what went wrong; undefined where there is no unit that could be told apart. */
async function withUnit<T>({ unit }: ManagedCgroup, host: Host, look: Look<T>): Promise<T | unknown> {
  if (unit === undefined || unit.invocation === '') return undefined
  try {
    using manager = await Manager.open(host)
    const now = await manager.invocationOf(unit.name)
    const run = now === undefined ? undefined : now === unit.invocation ? 'ours' : 'another'
    return await look(manager, run, unit.name)
  } catch (error) {
    return error
  }
}

/** The cgroup of a container, whoever made it. @throws as `removeCgroup` and `removeScope` */
export async function takeCgroup(record: CgroupRecord, { kill, host }: { kill: boolean; host: Host }): Promise<void> {
  if (record.manager === 'systemd') await removeScope(record, host)
  else await removeCgroup(record, { kill })
}

/** Tells systemd of other limits, before they are written to the files. @throws RuntimeError `systemd-…` */
export async function changeScope(record: ManagedCgroup, resources: Resources, host: Host): Promise<void> {
  const { unit, homes } = record
  if (record.manager !== 'systemd' || unit === undefined) return
  using manager = await Manager.open(host)
  const { version } = await manager.facts()
  const properties: Property[] = limitProperties(resources, {
    version,
    isLegacy: homes.some((home) => home.version === 1),
  })
  if (properties.length > 0) await manager.setProperties(unit.name, properties)
}

/**
 * Into the scope, or a cgroup below it. Between a login session and the user's units only systemd may move a process:
 * cgroups(7), "Delegation containment". @throws RuntimeError `cgroup-place`, `systemd-…`
 */
export async function attachToScope(
  { unit, homes }: ManagedCgroup,
  { path, pid, host }: { path: string; pid: number; host: Host },
): Promise<void> {
  const home = homes.find(({ version }) => version === 2)
  if (unit === undefined || home === undefined) return
  using manager = await Manager.open(host)
  await manager.attach(unit.name, `/${relative(home.path, path)}`, pid)
  if (!readCgroupFile(path, 'cgroup.procs')?.split('\n').includes(String(pid)))
    throw new RuntimeError('cgroup-place', { details: [`systemd did not move process ${pid} to ${path}`] })
}
