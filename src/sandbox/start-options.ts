/** What a command is started with. */
import type { HeldLimit, Hold } from '../container/hold/amounts.ts'
import { FD_NULL, FD_PIPE_IN, FD_PIPE_OUT, type Isolated, type IsolateOptions } from '../container/isolate.ts'
import type { Host } from '../host/facts.ts'
import type { Level } from '../host/level.ts'
import type { Stdio } from './call.ts'
import type { WatchOptions } from './denials/watch.ts'
import type { Connector } from './egress/connector.ts'
import type { Ending } from './ending.ts'
import type { KeptGroups } from './groups.ts'

export interface StartOptions {
  readonly argv: readonly string[]
  readonly stdio: readonly [Stdio, Stdio, Stdio]
  readonly host: Host
  readonly level: Level
  readonly groups: KeptGroups
  /** Limits that hold by themselves. */
  readonly limits?: readonly HeldLimit[] | undefined
  /** Dangerous paths that do not exist on the host. */
  readonly unprotected: readonly string[]
  /** What connects the network namespace of the command. */
  readonly network?: Connector | undefined
  /** Sees what the command is denied. */
  readonly watch?: WatchOptions | undefined
  /** For a command at the terminal: signals to us are its own. */
  readonly signals?: IsolateOptions['signals'] | undefined
  readonly ending: Ending
  /** Begins it in a sandbox that waits; undefined when there is none. */
  readonly begin?: ((fds: readonly number[]) => Isolated | undefined) | undefined
  /** What holds its limits, where it does not begin in a sandbox that waits. */
  readonly hold?: (() => Hold | undefined) | undefined
  /** Descriptors for init, between that of a network and the observer's. */
  readonly channels?: readonly number[]
  readonly onStuck?: (() => void) | undefined
  /** Called when the whole tree is dead, before `exited` settles. Must not throw. Says what went wrong beside it. */
  readonly onEnd?: () => readonly string[]
}

/** What a stream is for the launch. */
export function wish(stdio: Stdio, fd: number): number {
  if (typeof stdio === 'number') return stdio
  if (stdio === 'inherit') return fd
  return stdio === 'ignore' ? FD_NULL : fd === 0 ? FD_PIPE_IN : FD_PIPE_OUT
}
