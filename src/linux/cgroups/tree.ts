/** Making and removing the directories of a container's cgroup. */

import { existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { elapsed } from '../../base/clock.ts'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { hasCgroupFile, readCgroupFile, writeCgroupFile } from './files.ts'
import { isHomeFrozen } from './freezer.ts'
import { inodeOf, isStillThere } from './identity.ts'
import { pidsBelow } from './members.ts'
import type { Place } from './place.ts'
import type { Home } from './record.ts'
import { refusalOf } from './refusals.ts'
import { controllersAt } from './survey.ts'
import { walkBelow } from './walk.ts'

export interface MakeOptions {
  /** v2: the controllers that must be there; `all` asks for whatever can be had as well. */
  readonly needs: readonly string[]
  readonly all: boolean
  /** Our own cgroup, which processes leave when it is to hand controllers down. */
  readonly own?: string | undefined
}

/** Somebody may remove a directory above while we make one below. */
const ATTEMPTS = 5

/** What a failing one has made it takes away again. @throws RuntimeError `cgroup-refused`, `cgroup-used` */
export function makeHome(place: Place, options: MakeOptions): Home {
  const path = join(place.mount, place.path)
  for (let attempt = 1; ; attempt++) {
    const made: string[] = []
    try {
      makeDown(place, options, made)
      assertWithin(place)
      if (made.length === 0) assertFree(place, path)
      const controllers = place.version === 1 ? place.controllers : controllersAt(path)
      return { version: place.version, controllers, path, made: made.length, ino: inodeOf(path) }
    } catch (cause) {
      for (const directory of made.reverse()) if (!isRemoved(directory)) break
      if (cause instanceof RuntimeError) throw cause
      assertWithin(place)
      if (errnoOf(cause) === 'ENOENT' && attempt < ATTEMPTS) continue
      throw notMade(path, place, cause)
    }
  }
}

/** On v1 every controller may have a tree of its own, and only one may be closed to us. */
function notMade(path: string, { version, controllers }: Place, cause: unknown): RuntimeError {
  const errno = errnoOf(cause)
  const tree = version === 1 ? ` (v1: ${controllers.join(', ')})` : ''
  return new RuntimeError('cgroup-refused', {
    what: `unable to apply cgroup configuration: mkdir ${path}${tree}`,
    ...(errno ? { errno } : {}),
    ...refusalOf(errno),
    cause,
  })
}

/**
 * For a process that is there already: what is missing of the path is made. What a failing one has made it takes away
 * again. @returns how many directories were made
 */
export function makeMissing(place: Place): number {
  const made: string[] = []
  try {
    makeDown(place, { needs: [], all: false }, made)
    return made.length
  } catch (cause) {
    for (const directory of made.reverse()) if (!isRemoved(directory)) break
    throw cause instanceof RuntimeError ? cause : notMade(join(place.mount, place.path), place, cause)
  }
}

/** Every directory that was made is on the list at once. */
function makeDown(place: Place, options: MakeOptions, made: string[]): void {
  let at = place.within?.path ?? place.mount
  for (const name of relative(at, join(place.mount, place.path)).split('/').filter(Boolean)) {
    if (place.version === 2) enableControllers(at, options)
    at = join(at, name)
    if (isMade(at)) made.push(at)
    if (place.controllers.includes('cpuset')) inheritCpuset(at)
  }
}

/** While something lies in a cgroup it cannot be removed, so what holds after ours was made goes on to hold. */
function assertWithin({ within }: Place): void {
  if (within && !isStillThere(within)) throw new RuntimeError('ceiling-gone', { details: [within.path] })
}

function isMade(path: string): boolean {
  try {
    mkdirSync(path, 0o755)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

/** A new cpuset of v1 is empty, and no process can be put into it: cpuset(7). */
function inheritCpuset(directory: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (readCgroupFile(directory, file)?.trim() !== '') continue
    const value = readCgroupFile(dirname(directory), file)?.trim() ?? ''
    try {
      writeCgroupFile(directory, file, value)
    } catch (cause) {
      const errno = errnoOf(cause)
      if (errno === 'ENOENT') throw cause // the directory has been taken away meanwhile
      throw new RuntimeError('cgroup-refused', {
        what: `unable to apply cgroup configuration: the cpuset controller does not take ${JSON.stringify(value)} in ${directory}/${file}`,
        ...(errno ? { errno } : {}),
        ...refusalOf(errno, 'cpuset'),
        cause,
      })
    }
  }
}

/**
 * Each on its own: one that is refused must not keep the others out. Where processes are, some would be taken, and then
 * nothing can be put into the cgroups below: cgroups(7), "domain invalid".
 */
export function enableControllers(directory: string, { needs, all, own }: MakeOptions): void {
  const there = controllersAt(directory)
  const on = (readCgroupFile(directory, 'cgroup.subtree_control') ?? '').split(/\s+/)
  const wanted = there.filter((name) => (all || needs.includes(name)) && !on.includes(name))
  const needed = wanted.find((name) => needs.includes(name))
  if (wanted.length === 0 || (needed === undefined && holdsProcesses(directory))) return
  if (needed !== undefined && holdsProcesses(directory) && !(directory === own && hasStoodAside(directory)))
    throw notSwitchedOn(directory, needed, { code: 'EBUSY' })
  for (const controller of wanted) {
    try {
      writeCgroupFile(directory, 'cgroup.subtree_control', `+${controller}`)
    } catch (cause) {
      if (needs.includes(controller)) throw notSwitchedOn(directory, controller, cause)
    }
  }
}

/** The root of all may have processes and hand controllers down. It has no type. */
const holdsProcesses = (directory: string): boolean =>
  hasCgroupFile(directory, 'cgroup.type') && (readCgroupFile(directory, 'cgroup.procs') ?? '') !== ''

function notSwitchedOn(directory: string, controller: string, cause: unknown): RuntimeError {
  const errno = errnoOf(cause)
  return new RuntimeError('cgroup-refused', {
    what: `unable to apply cgroup configuration: the ${controller} controller cannot be switched on in ${directory}`,
    ...(errno ? { errno } : {}),
    ...refusalOf(errno),
    ...(errno === 'EBUSY'
      ? { why: 'there are processes in that cgroup, and then it cannot hand controllers down' }
      : {}),
    ...(errno === 'ENOTSUP' ? { why: 'that cgroup is threaded' } : {}),
    cause,
  })
}

/** Where everything goes that was in our own cgroup: cgroups(7), "no internal processes". It stays as long as they do. */
const ASIDE = 'usnea-callers'

/** False when some stay: those of another pid namespace, or that are born faster than they can be moved. */
function hasStoodAside(directory: string): boolean {
  const aside = join(directory, ASIDE)
  try {
    isMade(aside)
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const pids = (readCgroupFile(directory, 'cgroup.procs') ?? '').split('\n').filter(Boolean)
      if (pids.length === 0) return true
      for (const pid of pids) moveTo(aside, pid)
    }
  } catch {
    // What is told is that the controller cannot be switched on, and why.
  }
  if (pidsBelow(aside).length === 0 && existsSync(aside)) isRemoved(aside)
  return false
}

function moveTo(directory: string, pid: string): void {
  try {
    writeCgroupFile(directory, 'cgroup.procs', pid)
  } catch (error) {
    // ESRCH: it has ended in the meantime.
    if (errnoOf(error) !== 'ESRCH') throw error
  }
}

/** @throws RuntimeError `cgroup-used` */
export function assertFree({ version, controllers }: Place, path: string): void {
  const pids = pidsBelow(path)
  if (pids.length > 0)
    throw new RuntimeError('cgroup-used', {
      what: `container's cgroup is not empty: ${pids.length} process(es) found`,
      details: [path],
    })
  if ((version === 2 || controllers.includes('freezer')) && isHomeFrozen({ version, path }))
    throw new RuntimeError('cgroup-used', { what: "container's cgroup unexpectedly frozen", details: [path] })
}

const PATIENCE_MS = 10_000

/**
 * Takes away what is below the cgroup, and of its path what we made, as far as nobody else uses it. A dying process keeps
 * its cgroup busy for a moment. @throws RuntimeError `cgroup-busy`
 */
export async function removeHome({ path, made }: Home): Promise<void> {
  const deadline = elapsed() + PATIENCE_MS
  for (let wait = 0; ; wait = Math.min(wait + 1, 20)) {
    const left: string[] = []
    walkBelow(path, (step) => {
      if (!isRemoved(join(step.parent, step.name))) left.push(step.path())
    })
    if (made > 0 && !isRemoved(path)) left.push(path)
    if (left.length === 0) break
    if (elapsed() > deadline)
      throw new RuntimeError('cgroup-busy', {
        what: `the cgroup ${left[0]} cannot be removed`,
        details: membersIn(path),
      })
    await sleep(wait)
  }
  let at = path
  for (let i = 1; i < made; i++) {
    at = dirname(at)
    if (!isRemoved(at)) break
  }
}

const membersIn = (path: string): string[] => {
  const pids = pidsBelow(path)
  return pids.length === 0 ? [] : [`processes ${pids.join(', ')} are in it`]
}

/** ENOENT is what we want; EBUSY and ENOTEMPTY may pass. */
function isRemoved(directory: string): boolean {
  try {
    rmdirSync(directory)
    return true
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENODEV') return true
    if (errno === 'EBUSY' || errno === 'ENOTEMPTY') return false
    throw new RuntimeError('cgroup-busy', {
      what: `the cgroup ${directory} cannot be removed`,
      ...(errno ? { errno } : {}),
      cause: error,
    })
  }
}
