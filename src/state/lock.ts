/** One lock a container: flock(2) on a file in its directory. The kernel lets go of it when the holder dies. */

import { type BigIntStats, closeSync, constants, fstatSync, lstatSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { elapsed } from '../base/clock.ts'
import { RuntimeError } from '../base/errors.ts'
import { errnoName } from '../kernel/errno.ts'
import { native } from '../kernel/native.ts'
import { openOwn } from './own-file.ts'

const LOCK_EX = 2
const LOCK_NB = 4
/** podman gives a kill 5 s to answer; a create that holds the lock may take longer. */
const PATIENCE_MS = 10_000
const EAGAIN = 11

export interface Lock extends Disposable {
  readonly fd: number
  /** Is it still what lies in the directory of this path? A lock may be got after its directory went, and another one came. */
  readonly isIn: (directory: string) => boolean
}

/** An inode may be given again once the lock was let go, so its birth counts too. */
const nameOf = ({ dev, ino, birthtimeNs }: BigIntStats): string => `${dev}:${ino}:${birthtimeNs}`

/** Throws the system error of whoever may not look. */
function lies(name: string, directory: string): boolean {
  const found = lstatSync(`${directory}/lock`, { bigint: true, throwIfNoEntry: false })
  return found !== undefined && nameOf(found) === name
}

/** Letting go twice is letting go once: the number may belong to another file by then. */
function held(fd: number): Lock {
  let isOpen = true
  const name = nameOf(fstatSync(fd, { bigint: true }))
  return {
    fd,
    isIn: (directory) => lies(name, directory),
    [Symbol.dispose]: () => {
      if (isOpen) closeSync(fd)
      isOpen = false
    },
  }
}

/**
 * Waits up to ten seconds.
 * @throws RuntimeError `container-busy`, `root-unusable`; the system error when the directory is gone
 */
export async function takeLock(directory: string): Promise<Lock> {
  const fd = openOwn(`${directory}/lock`, constants.O_RDWR | constants.O_CREAT, 0o600)
  const deadline = elapsed() + PATIENCE_MS
  for (;;) {
    const got = native().flock(fd, LOCK_EX | LOCK_NB)
    if (got === 0) return held(fd)
    if (got === -EAGAIN && elapsed() < deadline) {
      await sleep(5)
      continue
    }
    closeSync(fd)
    throw new RuntimeError('container-busy', got === -EAGAIN ? {} : { errno: errnoName(-got) })
  }
}

/** Does not wait: undefined when somebody else holds it. Throws the system error when the directory is gone. */
export function tryLock(directory: string): Lock | undefined {
  const fd = openOwn(`${directory}/lock`, constants.O_RDWR | constants.O_CREAT, 0o600)
  if (native().flock(fd, LOCK_EX | LOCK_NB) === 0) return held(fd)
  closeSync(fd)
  return undefined
}
