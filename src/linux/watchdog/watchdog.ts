/** A small process beside the container that ends it when it uses more than it may: native/watch. */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { watchAside } from '../../kernel/aside.ts'
import { errnoName } from '../../kernel/errno.ts'
import { native } from '../../kernel/native.ts'
import type { StandIn } from './plan.ts'

const FILE = 'watchdog'
/** Four numbers of 64 bits, as native/watch/watch.h has them: two limits, and what was exceeded by how much. */
const [BYTES, LIMITS] = [32, 16]
/** flock(2) */
const [LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN] = [1, 2, 4, 8]

/** Does it have anything to do? RLIMIT_NPROC alone needs nobody. */
export const needsWatchdog = ({ memory, refuses }: StandIn): boolean => memory !== undefined || refuses !== 'all'

function bytesOf({ memory = 0, tasks = 0 }: Pick<StandIn, 'memory' | 'tasks'>): Buffer {
  const bytes = Buffer.alloc(LIMITS)
  bytes.writeBigUInt64LE(BigInt(Math.round(memory)), 0)
  bytes.writeBigUInt64LE(BigInt(tasks), 8)
  return bytes
}

export interface Watched {
  /** The state directory of the container, which nobody in it can reach. */
  readonly directory: string
  /** Its first process. */
  readonly pid: number
  readonly limits: StandIn
}

/**
 * Starts it, and settles when it has looked once. It ends with the container, and keeps a lock on its file meanwhile.
 * @throws RuntimeError `watchdog-failed`
 */
export function startWatchdog({ directory, pid, limits }: Watched): void {
  const file = openSync(join(directory, FILE), 'wx+', 0o600)
  try {
    writeSync(file, Buffer.concat([bytesOf(limits), Buffer.alloc(BYTES - LIMITS)]), 0, BYTES, 0)
    native().flock(file, LOCK_EX | LOCK_NB)
    const done = watchAside({ pid, file, label: directory })
    if (done < 0)
      throw new RuntimeError('watchdog-failed', {
        errno: errnoName(-done),
        ...(errnoName(-done) === 'EPERM' ? { why: 'it cannot look at the processes of the container in /proc' } : {}),
      })
  } finally {
    closeSync(file)
  }
}

/** Other limits, from its next look on. @throws RuntimeError `watchdog-failed` when it does not watch any more */
export function changeWatchdog(directory: string, limits: StandIn): void {
  if (!isWatching(directory)) throw new RuntimeError('watchdog-failed', { what: 'the watchdog has ended' })
  const file = openSync(join(directory, FILE), constants.O_RDWR | constants.O_NOFOLLOW)
  try {
    writeSync(file, bytesOf(limits), 0, LIMITS, 0)
  } finally {
    closeSync(file)
  }
}

export function isWatching(directory: string): boolean {
  const file = openFile(directory)
  if (file === undefined) return false
  try {
    if (native().flock(file, LOCK_SH | LOCK_NB) < 0) return true
    native().flock(file, LOCK_UN)
    return false
  } finally {
    closeSync(file)
  }
}

export interface Verdict {
  readonly limit: 'memory' | 'tasks'
  /** Bytes or threads. */
  readonly found: bigint
}

/** Open as long as somebody asks: the file goes with the container. */
export class Verdicts {
  readonly #file: number | undefined

  constructor(directory: string) {
    this.#file = openFile(directory)
  }

  /** Why the watchdog ended the container, if it did. */
  read(): Verdict | undefined {
    const bytes = Buffer.alloc(BYTES)
    if (this.#file === undefined || readSync(this.#file, bytes, 0, BYTES, 0) < BYTES) return undefined
    const limit = ({ 1: 'memory', 2: 'tasks' } as const)[Number(bytes.readBigUInt64LE(16))]
    return limit && { limit, found: bytes.readBigUInt64LE(24) }
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file)
  }
}

function openFile(directory: string): number | undefined {
  try {
    return openSync(join(directory, FILE), constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
