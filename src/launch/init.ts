/** Starts init with a plan, and says in words how it failed. */
import { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { errnoName } from '../kernel/errno.ts'
import { native, sealedInit } from '../kernel/native.ts'
import type { Op, Plan } from '../kernel/plan.ts'
import { encode } from './encode.ts'
import { explain } from './explain.ts'
import type { Failure } from './frames.ts'

export interface Started {
  /** The outer process; it ends when it has told the pid of the first one. */
  readonly outer: number
  readonly pipes: readonly number[]
  /** Our end of the conversation. */
  readonly control: number
}

const unfit: Readonly<Record<string, string>> = {
  EBADF: 'a descriptor for its input or output is not open',
  EISDIR: 'a descriptor for its input or output is a directory, from which the whole host could be reached',
}

export function notSpawned(errno: string): RuntimeError {
  const why = unfit[errno]
  return new RuntimeError('spawn-failed', {
    errno,
    ...(why === undefined ? {} : { why, fix: 'give an open file, pipe, socket or terminal' }),
  })
}

export function spawnInit(plan: Plan, wanted: readonly number[]): Started {
  const bytes = encode(plan.ops)
  const fds = Int32Array.from(wanted)
  const control = new Int32Array(1)
  const pid = native().spawn(sealedInit(), bytes, bytes.length, fds, fds.length, control, plan.label ?? '')
  if (pid < 0) throw notSpawned(errnoName(-pid))
  return { outer: pid, pipes: [...fds], control: control[0] ?? -1 }
}

/** init's failure in the words of whoever asked for the op. */
export function explainFailure(failure: Failure, op: Op | undefined, host: Host): RuntimeError {
  if (!op) return new RuntimeError('plan-refused', { details: [failure.detail] })
  return explain({ op, errno: failure.errno, detail: failure.detail }, host)
}
