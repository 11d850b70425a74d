/** Reading what is on record of containers, without a lock. */
import { lstatSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { type ContainerId, whyNotContainerId } from '../base/ids.ts'
import { distance, nearest } from '../base/nearest.ts'
import { isDirectory, namesIn, withErrno } from './directories.ts'
import { notOurs, readOwn } from './own-file.ts'
import { type ContainerRecord, completeRecord, whyNotRecord } from './record.ts'

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
export function assertOurs(directory: string): void {
  if (!isDirectory(directory)) throw missing(directory)
  const { uid } = lstatSync(directory)
  if (uid !== process.geteuid?.()) throw notOurs(directory, uid)
}

/** The file changes only by rename. @throws RuntimeError `container-missing`, `root-unusable`, `state-corrupt`, `state-future` */
export function loadRecord(root: string, id: ContainerId): ContainerRecord {
  const directory = join(root, id)
  assertOurs(directory)
  return loadFrom(directory, id)
}

/** Of a directory that is known to be ours. */
export function loadFrom(directory: string, id: ContainerId): ContainerRecord {
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
