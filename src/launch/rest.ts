/** Gives the rest of its plan to an init that waits for it: see `rest` in docs/launch-plan.md. */
import { errnoName } from '../kernel/errno.ts'
import { native } from '../kernel/native.ts'
import type { Op } from '../kernel/plan.ts'
import { encode } from './encode.ts'
import { notSpawned } from './init.ts'

/** The op that a plan ends with whose rest comes later. */
export const REST: Op = { op: 'rest', origin: 'sandbox' }

const gone: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET'])

/**
 * `wanted`: three numbers, as for `spawnInit`. @returns our ends of pipes, -1 elsewhere; undefined when init is gone, and
 * nothing was started.
 * @throws RuntimeError `spawn-failed`
 */
export function sendRest(control: number, ops: readonly Op[], wanted: readonly number[]): number[] | undefined {
  const bytes = encode(ops)
  const fds = Int32Array.from(wanted)
  const got = native().sendRest(control, bytes, bytes.length, fds)
  if (got === 0) return [...fds]
  const errno = errnoName(-got)
  if (gone.has(errno)) return undefined
  throw notSpawned(errno)
}
