/** The directory of containers: making one is the reservation of its id, and a container is gone when it is gone. */
import { mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import type { ContainerId } from '../base/ids.ts'
import { sweep, unusable } from './directories.ts'
import { type Lock, takeLock } from './lock.ts'
import { assertOurs } from './read-record.ts'
import { Slot } from './slot.ts'

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
