/** Freezing a container: the freezer of v1, cgroup.freeze of v2. */

import { setTimeout as sleep } from 'node:timers/promises'
import { elapsed } from '../../base/clock.ts'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { isGone, readCgroupFile, writeCgroupFile } from './files.ts'
import { type CgroupRecord, type Home, homeOfController, unifiedHome } from './record.ts'
import { refusalOf } from './refusals.ts'

const PATIENCE_MS = 10_000

/** v1 where it has a freezer, because on a hybrid machine all processes are in both trees. */
const freezerOf = (record: CgroupRecord): Home | undefined => homeOfController(record, 'freezer') ?? unifiedHome(record)

export const hasFreezer = (record: CgroupRecord): boolean => freezerOf(record) !== undefined

/** The directory by whose files the container is frozen; undefined without one. */
export const freezerPath = (record: CgroupRecord): string | undefined => freezerOf(record)?.path

export function isFrozen(record: CgroupRecord): boolean {
  const home = freezerOf(record)
  return home !== undefined && isHomeFrozen(home)
}

/** Asked of the cgroup itself: one that is frozen because an ancestor is was not paused by us. */
export function isHomeFrozen({ version, path }: Pick<Home, 'version' | 'path'>): boolean {
  if (version === 2) return readCgroupFile(path, 'cgroup.freeze')?.trim() === '1'
  return readCgroupFile(path, 'freezer.self_freezing')?.trim() === '1'
}

/** Until everything stands still. @throws RuntimeError `cgroup-missing`, `freeze-failed` */
export async function freeze(record: CgroupRecord): Promise<void> {
  const home = demandFreezer(record)
  const deadline = elapsed() + PATIENCE_MS
  set(home, true)
  for (let wait = 0; !hasStopped(home); wait = Math.min(wait + 1, 20)) {
    if (elapsed() > deadline) {
      set(home, false)
      throw new RuntimeError('freeze-failed', {
        why: 'a process of the container does not stop; it hangs inside the kernel',
      })
    }
    // v1 may stay FREEZING for ever when a process was born in between; writing the state again helps (kernel, freezer-subsystem.rst).
    if (home.version === 1 && wait > 5) set(home, true)
    await sleep(wait)
  }
}

/** @throws RuntimeError `cgroup-missing`, `freeze-failed` */
export function thaw(record: CgroupRecord): void {
  set(demandFreezer(record), false)
}

function demandFreezer(record: CgroupRecord): Home {
  const home = freezerOf(record)
  if (home) return home
  throw new RuntimeError('cgroup-missing', {
    what: 'cannot toggle freezer: cgroups not configured for container',
    ...(record.manager === 'none' ? { why: record.reason } : {}),
  })
}

function set({ version, path }: Home, frozen: boolean): void {
  const [file, value] =
    version === 2 ? ['cgroup.freeze', frozen ? '1' : '0'] : ['freezer.state', frozen ? 'FROZEN' : 'THAWED']
  try {
    writeCgroupFile(path, file, value)
  } catch (cause) {
    // systemd takes a scope away with its last process: nothing is left that could be frozen.
    if (!frozen && isGone(path)) return
    const errno = errnoOf(cause)
    throw new RuntimeError('freeze-failed', {
      details: [`${path}/${file}`],
      ...(errno ? { errno } : {}),
      ...refusalOf(errno),
      cause,
    })
  }
}

const hasStopped = ({ version, path }: Home): boolean =>
  version === 2
    ? /^frozen 1$/m.test(readCgroupFile(path, 'cgroup.events') ?? '')
    : readCgroupFile(path, 'freezer.state')?.trim() === 'FROZEN'
