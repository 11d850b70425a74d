/** The cgroup of one container from its making to its end. What later commands need is in the record. */
import { closeSync, constants, openSync, statfsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Dispose } from '../../base/dispose.ts'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { errnoName } from '../../kernel/errno.ts'
import { native } from '../../kernel/native.ts'
import { applyWrites } from './apply.ts'
import { deviceProgram } from './device-program.ts'
import { type DeviceGuard, guardLines } from './devices.ts'
import { writeCgroupFile } from './files.ts'
import { ownHomes } from './identity.ts'
import { killMembers } from './kill.ts'
import { giveCgroup } from './ownership.ts'
import type { CgroupPlan } from './plan.ts'
import { type CgroupRecord, type Home, homeOfController, type ManagedCgroup, unifiedHome } from './record.ts'
import { refusalOf } from './refusals.ts'
import { makeHome, removeHome } from './tree.ts'

/**
 * Makes the cgroup, with its limits and device rules in force before anything is in it. @throws RuntimeError
 * `cgroup-refused`, `cgroup-used`, `cgroup-limit`, `cgroup-missing`; `undo` then takes away what was made
 */
export function makeCgroup(plan: CgroupPlan, undo: Dispose): ManagedCgroup {
  const homes: Home[] = []
  undo.push(() => removeCgroup({ manager: 'cgroupfs', homes, guardsDevices: false }, { kill: true }))
  const needs = plan.writes.filter(({ version }) => version === 2).map(({ controller }) => controller)
  const isWhole = plan.places.every(({ version }) => version === 2)
  for (const place of plan.places) {
    const home = makeHome(place, { needs, all: isWhole, own: plan.own })
    homes.push(home)
    assertCgroupfs(home)
  }
  const record: ManagedCgroup = { manager: 'cgroupfs', homes, guardsDevices: plan.guard !== undefined }
  if (plan.guard) guardDevices(record, plan.guard)
  applyWrites(record, plan.writes)
  giveCgroup(record, plan.owner)
  return record
}

/** statfs(2) */
const magic = { 1: 0x27e0eb, 2: 0x63677270 } as const

/** What looked like a cgroup tree a moment ago may be covered by something else now. */
export function assertCgroupfs({ version, path }: Home): void {
  if (statfsSync(path).type !== magic[version])
    throw new RuntimeError('cgroup-refused', { details: [`${path} is in no cgroup v${version} file system`] })
}

/** v1 by its controller, else by a program on the v2 cgroup. */
export function guardDevices(record: ManagedCgroup, guard: DeviceGuard): void {
  const v1 = homeOfController(record, 'devices')
  const origin = '/linux/resources/devices'
  try {
    if (v1) for (const { file, value } of guardLines(guard)) writeCgroupFile(v1.path, file, value)
    else attach(unifiedHome(record)?.path ?? '', deviceProgram(guard))
  } catch (cause) {
    if (cause instanceof RuntimeError) throw cause
    const errno = errnoOf(cause)
    throw new RuntimeError('cgroup-limit', {
      what: 'cannot set the device rules',
      ...(errno ? { errno } : {}),
      ...refusalOf(errno, 'devices'),
      origin,
      cause,
    })
  }
}

function attach(directory: string, program: Uint8Array): void {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    const result = native().guardDevices(fd, program, program.length)
    if (result < 0)
      throw new RuntimeError('cgroup-limit', {
        what: 'cannot set the device rules (bpf BPF_PROG_TYPE_CGROUP_DEVICE)',
        errno: errnoName(-result),
        why: 'probably the kernel lacks CONFIG_CGROUP_BPF, or a filter around us refuses bpf(2)',
        fix: 'pass --rootless=true to go on without device rules',
        origin: '/linux/resources/devices',
      })
  } finally {
    closeSync(fd)
  }
}

/** A process that is being born is refused with EINVAL for a moment. */
const ATTEMPTS = 5

/** Moves a process into every tree's cgroup. @throws RuntimeError `cgroup-place` */
export async function placeProcess(homes: readonly Pick<Home, 'path'>[], pid: number): Promise<void> {
  for (const { path } of homes) {
    for (let attempt = 1; ; attempt++) {
      try {
        writeCgroupFile(path, 'cgroup.procs', String(pid))
        break
      } catch (cause) {
        const errno = errnoOf(cause)
        if (errno === 'EINVAL' && attempt < ATTEMPTS) {
          await sleep(10 * attempt)
          continue
        }
        throw notPlaced(path, { pid, errno, cause })
      }
    }
  }
}

function notPlaced(
  path: string,
  { pid, errno, cause }: { pid: number; errno: string | undefined; cause: unknown },
): RuntimeError {
  return new RuntimeError('cgroup-place', {
    what: `unable to apply cgroup configuration: error adding pid ${pid} to cgroups: write ${path}/cgroup.procs`,
    ...(errno ? { errno } : {}),
    ...(errno === 'EINVAL' ? {} : refusalOf(errno)),
    ...(errno === 'ENOSPC' ? { why: 'its cpuset has no cpus or no memory nodes' } : {}),
    ...(errno === 'EBUSY' ? { why: 'the cgroup hands controllers down, so it may hold no processes itself' } : {}),
    cause,
  })
}

/** @throws RuntimeError `cgroup-busy` when somebody keeps it in use */
export async function removeCgroup(record: CgroupRecord, { kill }: { kill: boolean }): Promise<void> {
  if (kill) await killMembers(record)
  for (const home of ownHomes(record)) await removeHome(home)
}
