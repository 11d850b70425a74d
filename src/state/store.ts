/** The directory of containers: making one is the reservation of its id, and a container is gone when it is gone. */
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { replaceFile } from '../base/files.ts'
import type { ContainerId } from '../base/ids.ts'
import { whyNotContainerId } from '../base/ids.ts'
import { distance, nearest } from '../base/nearest.ts'
import { randomSuffix } from '../base/suffix.ts'
import { type Lock, takeLock } from './lock.ts'
import { notOurs, readOwn, removeOwn } from './own-file.ts'
import { type ContainerRecord, completeRecord, whyNotRecord } from './record.ts'
import { dropShortcut, keepShortcut, type Shortcut } from './shortcut.ts'

/** `#` cannot be part of an id, so a half-removed directory is never mistaken for a container. */
const REMOVED = '#removed-'

export class Slot implements AsyncDisposable {
  readonly id: ContainerId
  readonly directory: string
  readonly #lock: Lock
  #hasShortcut: boolean

  /** `isNew`: nothing is in it yet. */
  constructor(id: ContainerId, directory: string, { lock, isNew }: { lock: Lock; isNew: boolean }) {
    this.id = id
    this.directory = directory
    this.#lock = lock
    this.#hasShortcut = !isNew
  }

  /** Written by rename: a reader sees the old state or the new one. */
  save(record: ContainerRecord): void {
    try {
      if (this.#hasShortcut) dropShortcut(this.directory)
      replaceFile(join(this.directory, 'state.json'), JSON.stringify(record), 0o600)
    } catch (error) {
      throw unusable(dirname(this.directory), error)
    }
  }

  /** Of the record that was just saved; it is good for no other one. */
  keepShortcut(shortcut: Shortcut): void {
    this.#hasShortcut = true
    keepShortcut(this.directory, shortcut)
  }

  /** Undefined when the creator died before it wrote anything. */
  load(): ContainerRecord | undefined {
    return existsSync(join(this.directory, 'state.json')) ? loadFrom(this.directory, this.id) : undefined
  }

  unlock(): void {
    this.#lock[Symbol.dispose]()
  }

  /** Frees the id in one step, then deletes what was in it. A directory that came after ours is somebody else's. */
  remove(): void {
    if (this.#isThere()) removeDirectory(this.directory)
  }

  #isThere(): boolean {
    try {
      return this.#lock.isIn(this.directory)
    } catch (error) {
      throw unusable(dirname(this.directory), error)
    }
  }

  /** For the undo stack: nothing of the container stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.remove()
    this.unlock()
  }
}

function removeDirectory(directory: string): void {
  const [root, hidden] = [dirname(directory), `${REMOVED}${randomSuffix()}`]
  try {
    renameSync(directory, join(root, hidden))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return
    throw unusable(root, error)
  }
  removeOwn(root, hidden)
}

/**
 * Takes an id: the exclusive mkdir is the reservation, so of two creates exactly one wins.
 * @throws RuntimeError `id-in-use`, `root-unusable`
 */
export async function reserve(root: string, id: ContainerId): Promise<Slot> {
  sweep(root)
  const directory = join(root, id)
  try {
    mkdirSync(directory, { mode: 0o711 })
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw new RuntimeError('id-in-use', { cause: error })
    throw unusable(root, error)
  }
  try {
    const lock = await takeLock(directory)
    if (isFresh(directory, lock)) return new Slot(id, directory, { lock, isNew: true })
    lock[Symbol.dispose]()
  } catch (error) {
    if (error instanceof RuntimeError) throw error
    removeEmpty(directory)
    if (errnoOf(error) !== 'ENOENT') throw unusable(root, error)
  }
  throw new RuntimeError('container-missing', { why: 'it was deleted while it was being created' })
}

/**
 * A forced delete may have come between the mkdir and the lock, and then another create. Whichever of us has the lock of
 * a directory with nothing else in it has the id: the other one finds what we write, or no directory.
 */
const isFresh = (directory: string, lock: Lock): boolean => lock.isIn(directory) && readdirSync(directory).length === 1

/** Without a lock, so no more than that: what has something in it may be another one's by now. */
function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // it is not there, or not ours
  }
}

function unusable(root: string, error: unknown): RuntimeError {
  return new RuntimeError('root-unusable', {
    what: `the state directory ${root} cannot be used`,
    ...withErrno(error),
    fix: 'pass --root DIR with a directory that you may write to',
    cause: error,
  })
}

function withErrno(error: unknown): { errno?: string } {
  const errno = errnoOf(error)
  return errno === undefined ? {} : { errno }
}

/** Left-overs of a delete that was killed half-way. */
function sweep(root: string): void {
  for (const name of namesIn(root)) if (name.startsWith(REMOVED)) removeOwn(root, name)
}

function namesIn(root: string): string[] {
  try {
    return readdirSync(root)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw unusable(root, error)
  }
}

/** Opens an existing container for a change. @throws RuntimeError `container-missing`, `root-unusable`, `container-busy` */
export async function openSlot(root: string, id: ContainerId): Promise<Slot> {
  sweep(root)
  const directory = join(root, id)
  try {
    assertOurs(directory)
    const lock = await takeLock(directory)
    if (lock.isIn(directory)) return new Slot(id, directory, { lock, isNew: false })
    lock[Symbol.dispose]()
  } catch (error) {
    if (error instanceof RuntimeError) throw error
    if (errnoOf(error) !== 'ENOENT') throw unusable(root, error)
  }
  throw new RuntimeError('container-missing', {})
}

/** Not through a link: whoever may write beside our containers could make one to anything. */
function isDirectory(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  } catch (error) {
    throw unusable(dirname(path), error)
  }
}

/** With the id that was meant, where one is only a slip away: ids of engines are all alike, and none of them is meant. */
function missing(directory: string): RuntimeError {
  const id = basename(directory)
  let meant: string | undefined
  try {
    meant = nearest(
      id,
      readdirSync(dirname(directory)).filter((name) => /^\w/.test(name)),
    )
  } catch {
    // nothing can be told of a directory that is not there
  }
  const isNear = meant !== undefined && distance(id, meant) <= Math.max(1, Math.floor(id.length / 5))
  return new RuntimeError('container-missing', isNear ? { fix: `use ${meant}, if that was meant` } : {})
}

/** A record names processes that are killed and cgroups that are removed, so nobody else may have written it. */
function assertOurs(directory: string): void {
  if (!isDirectory(directory)) throw missing(directory)
  const { uid } = lstatSync(directory)
  if (uid !== process.geteuid?.()) throw notOurs(directory, uid)
}

/** Reads without a lock: the file changes only by rename. @throws RuntimeError `container-missing`, `root-unusable`, `state-corrupt`, `state-future` */
export function loadRecord(root: string, id: ContainerId): ContainerRecord {
  const directory = join(root, id)
  assertOurs(directory)
  return loadFrom(directory, id)
}

function loadFrom(directory: string, id: ContainerId): ContainerRecord {
  const path = join(directory, 'state.json')
  let text: string
  try {
    text = readOwn(path)
  } catch (error) {
    if (error instanceof RuntimeError) throw error
    if (errnoOf(error) === 'ENOENT') throw new RuntimeError('container-missing', { cause: error })
    throw new RuntimeError('state-corrupt', { ...withErrno(error), cause: error })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new RuntimeError('state-corrupt', { details: [path], cause })
  }
  const why = whyNotRecord(value, id)
  if (why === 'future') throw new RuntimeError('state-future', { details: [path] })
  if (why === 'foreign') throw new RuntimeError('state-corrupt', { details: [path] })
  return completeRecord(value as object)
}

/** Ids that have a directory; files and half-removed ones are no containers. */
export function listIds(root: string): ContainerId[] {
  return namesIn(root)
    .filter((name) => whyNotContainerId(name) === undefined && isDirectory(join(root, name)))
    .sort()
    .map((name) => name as ContainerId)
}

/** Uid of the owner of the state directory: what `list` calls OWNER. */
export function ownerOf(root: string, id: ContainerId): number | undefined {
  return statSync(join(root, id), { throwIfNoEntry: false })?.uid
}
