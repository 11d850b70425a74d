/** The directories of an image: criu's own files, and one of ours beside them. */
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Dispose } from '../../base/dispose.ts'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { readLimited, replaceFile } from '../../base/files.ts'
import type { Degradation } from '../../base/issue.ts'

/** What fds 0, 1 and 2 of the first process were: runc's name and form. */
const DESCRIPTORS = 'descriptors.json'
const INVENTORY = 'inventory.img'
const FILE_LOCKS = 'filelocks.img'

/** A memory image may hold secrets of the container: nobody else gets in. */
const MODE = 0o700

/**
 * Makes the directory where it is missing. A failure takes away what the dump has left in it, and the directory if it is
 * ours and empty; logs stay.
 * @returns a descriptor, the caller's to close
 * @throws RuntimeError `image-unusable`
 */
export function openForDump(path: string, undo: Dispose): number {
  const before = new Set(namesIn(path))
  const fd = openMade(path, undo)
  undo.push(() => {
    for (const name of namesIn(path)) if (isImage(name) && !before.has(name)) rmSync(join(path, name), { force: true })
  })
  return fd
}

/** An earlier image that is written over must not look whole should that fail half-way: criu writes this file last. */
export function invalidate(path: string): void {
  rmSync(join(path, INVENTORY), { force: true })
}

const isImage = (name: string): boolean => name.endsWith('.img') || name === DESCRIPTORS || name === 'parent'

function namesIn(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** For logs too. @throws RuntimeError `image-unusable` */
export function openMade(path: string, undo: Dispose): number {
  try {
    makeMissing(path, undo)
    // As root everything is open that is there; a read-only file system is not.
    accessSync(path, constants.W_OK)
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  } catch (cause) {
    throw unusable(`cannot write into ${path}`, cause)
  }
}

/** Not with `recursive`: where a parent takes no directories (/proc), Node 20 tries for ever. */
function makeMissing(path: string, undo: Dispose): void {
  const missing: string[] = []
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.unshift(at)
  for (const directory of missing) {
    mkdirSync(directory, MODE)
    undo.push(() => removeEmpty(directory))
  }
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // a log is in it, or somebody else's file
  }
}

/** @throws RuntimeError `image-unusable` */
export function checkForRestore(path: string): void {
  try {
    accessSync(path, constants.R_OK | constants.X_OK)
    if (existsSync(join(path, INVENTORY))) return
  } catch (cause) {
    throw unusable(`cannot open the image ${path}`, cause)
  }
  throw new RuntimeError('image-unusable', {
    what: `no checkpoint is in ${path}`,
    why: `it has no ${INVENTORY}`,
    fix: 'name the directory that checkpoint wrote with --image-path',
  })
}

/**
 * A directory as a criu in mounts of its own sees it: it mounts beside the logs, which it may only where it is at home.
 * @returns a descriptor, the caller's to close
 */
export function openSeenBy(pid: number, path: string): number {
  return openSync(`/proc/${pid}/root${realpathSync(path)}`, constants.O_RDONLY | constants.O_DIRECTORY)
}

/** @throws RuntimeError `image-unusable` */
export function checkParent(images: string, parent: string): void {
  const path = join(images, parent)
  const fix = 'make one first with: usnea checkpoint --pre-dump --image-path PARENT ID'
  try {
    if (statSync(path).isDirectory()) return
  } catch (cause) {
    throw unusable(`invalid --parent-path: ${path}`, cause, fix)
  }
  throw new RuntimeError('image-unusable', { what: `invalid --parent-path: ${path}`, errno: 'ENOTDIR', fix })
}

function unusable(what: string, cause: unknown, fix?: string): RuntimeError {
  const errno = errnoOf(cause)
  return new RuntimeError('image-unusable', { what, ...(errno ? { errno } : {}), ...(fix ? { fix } : {}), cause })
}

/**
 * Lets the root of a user namespace read the image, by its group as we see it: the processes that are restored in there
 * open some of the files themselves.
 */
export function openToGroup(path: string, gid: number): void {
  for (const name of namesIn(path).filter(isImage)) {
    const file = join(path, name)
    if (!lstatSync(file).isFile()) continue
    chownSync(file, -1, gid)
    chmodSync(file, 0o640)
  }
  chownSync(path, -1, gid)
  chmodSync(path, MODE | 0o010)
}

export function saveDescriptors(path: string, descriptors: readonly string[]): void {
  try {
    replaceFile(join(path, DESCRIPTORS), JSON.stringify(descriptors), 0o600)
  } catch (cause) {
    throw unusable(`cannot write ${join(path, DESCRIPTORS)}`, cause)
  }
}

/** Longer than any three links. */
const MAX_DESCRIPTORS = 64 << 10

/**
 * criu writes locks only when it was told to, and makes them again only when it is told once more.
 * @returns what is said where nobody has told it
 */
export function lostLocks(path: string, fileLocks: boolean): Degradation[] {
  if (fileLocks || !existsSync(join(path, FILE_LOCKS))) return []
  const message = 'the file locks of the image are not held any more: restore it with --file-locks'
  return [{ pointer: FILE_LOCKS, message, loud: true }]
}

/** @throws RuntimeError `image-unusable` when the file is there and not ours; a missing one names none */
export function loadDescriptors(path: string): string[] {
  const file = join(path, DESCRIPTORS)
  let value: unknown
  try {
    value = JSON.parse(readLimited(file, MAX_DESCRIPTORS).toString())
  } catch (cause) {
    throw unusable(`cannot read ${file}`, cause)
  }
  if (Array.isArray(value) && value.length <= 3 && value.every((text) => typeof text === 'string')) return value
  throw new RuntimeError('image-unusable', { what: `${file} is no list of three descriptors` })
}
