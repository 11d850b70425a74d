/** What run and exec share once the program runs: its input and output, its signals, its end. */
import { fchownSync } from 'node:fs'
import { handOver } from '../kernel/aside.ts'
import { attend as attendChild, type Ended, type Ends } from '../kernel/children.ts'
import { FD_NULL, FD_PIPE_IN, FD_PIPE_OUT } from '../kernel/functions.ts'
import { assertNotInterrupted, releaseSignals } from '../kernel/interruption.ts'
import { native } from '../kernel/native.ts'
import type { Child } from '../launch/launch.ts'
import { toOuter } from '../linux/idmap/ranges.ts'
import type { ContainerRecord } from '../state/record.ts'

/** Three pipes: the container never holds the caller's own descriptors. */
export const FOREGROUND_STDIO = [FD_PIPE_IN, FD_PIPE_OUT, FD_PIPE_OUT] as const
/** init puts the terminal in their place. */
export const TERMINAL_STDIO = [FD_NULL, FD_NULL, FD_NULL] as const
export const INHERITED_STDIO = [0, 1, 2] as const

/** Shells' rule: the exit code, or 128 plus the signal. */
export const exitStatus = ({ exitCode, signal }: Ended): number => exitCode ?? 128 + (signal ?? 0)

/** A child of ours that waits for `go`, or, restored, goes on already. */
export type Attended = Pick<Child, 'pid' | 'pipes' | 'console' | 'go'>

export interface AttendOptions {
  /** Sent along with `go`: the state for hooks. */
  readonly state?: string
  /** The container's root owns the pipes, so that /dev/stdout can be opened again inside. */
  readonly maps?: ContainerRecord['maps']
  /** Called when the program runs. */
  readonly onStarted?: () => Promise<void>
  /** What is to be run when it has ended, if we are not here any more by then. Undefined: we stay. */
  readonly atEnd?: readonly string[]
}

/** A program that has not ended by then is likely to stay for long, and Node is too large to wait for it. */
const STAY_MS = 400

/**
 * Says `go` and stays until the program has ended, or hands over to a smaller process and does not come back.
 * @returns its exit status
 */
export async function attend(child: Attended, options: AttendOptions = {}): Promise<number> {
  const { state = '', maps, onStarted, atEnd } = options
  const [stdin = -1, stdout = -1, stderr = -1] = child.pipes
  const [uid, gid] = [toOuter(maps?.uid ?? [], 0), toOuter(maps?.gid ?? [], 0)]
  const { console = -1 } = child
  if (console >= 0) native().fitTerminal(console)
  else if (uid !== undefined && gid !== undefined) for (const fd of [stdin, stdout, stderr]) give(fd, uid, gid)
  assertNotInterrupted()
  native().forwardSignals(child.pid, -1, 0)
  try {
    await child.go(state)
    await onStarted?.()
    return exitStatus(stay(child.pid, { pipes: [stdin, stdout, stderr], console }, atEnd))
  } finally {
    releaseSignals()
  }
}

function stay(pid: number, ends: Ends, atEnd: readonly string[] | undefined): Ended {
  const early = atEnd && attendChild(pid, ends, STAY_MS)
  if (early) return early
  if (atEnd) handOver(atEnd)
  return attendChild(pid, ends) ?? KILLED
}

const KILLED: Ended = { exitCode: undefined, signal: 9 }

/** Only root may give a pipe to an id that is not its own; without that the program has it open all the same. */
function give(fd: number, uid: number, gid: number): void {
  try {
    fchownSync(fd, uid, gid)
  } catch {
    // see above
  }
}
