/** The directories below the state root: which are there, and how one goes away. */
import { lstatSync, readdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { randomSuffix } from '../base/suffix.ts'
import { removeOwn } from './own-file.ts'

/** `#` cannot be part of an id, so a half-removed directory is never mistaken for a container. */
const REMOVED = '#removed-'

/** Frees the name in one step, then deletes what was in it. @throws RuntimeError `root-unusable` */
export function removeDirectory(directory: string): void {
  const [root, hidden] = [dirname(directory), `${REMOVED}${randomSuffix()}`]
  try {
    renameSync(directory, join(root, hidden))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return
    throw unusable(root, error)
  }
  removeOwn(root, hidden)
}

export function unusable(root: string, error: unknown): RuntimeError {
  return new RuntimeError('root-unusable', {
    what: `the state directory ${root} cannot be used`,
    ...withErrno(error),
    fix: 'pass --root DIR with a directory that you may write to',
    cause: error,
  })
}

export function withErrno(error: unknown): { errno?: string } {
  const errno = errnoOf(error)
  return errno === undefined ? {} : { errno }
}

/** Left-overs of a delete that was killed half-way. */
export function sweep(root: string): void {
  for (const name of namesIn(root)) if (name.startsWith(REMOVED)) removeOwn(root, name)
}

/** @throws RuntimeError `root-unusable` */
export function namesIn(root: string): string[] {
  try {
    return readdirSync(root)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw unusable(root, error)
  }
}

/** Not through a link: whoever may write beside our containers could make one to anything. */
export function isDirectory(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  } catch (error) {
    throw unusable(dirname(path), error)
  }
}
