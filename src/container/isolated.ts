/** A command on its own floor, as whoever started it sees it. */
import type { RuntimeError } from '../base/errors.ts'
import type { Ended } from '../kernel/children.ts'
import type { Handed } from './channel.ts'
import type { HeldLimit, Hold } from './hold/amounts.ts'

/** How it ended: the command's own end, or the reason why it never ran. */
export type Outcome = ({ readonly ended: Ended } | { readonly failure: RuntimeError }) & {
  /** What held its limits, and which were reached. */
  readonly limits?: readonly HeldLimit[]
}

export interface Isolated {
  /** Our ends of the pipes that were asked for; -1 elsewhere. */
  readonly pipes: readonly number[]
  /** Settles when the command and everything it started are dead. Never rejects. */
  readonly outcome: Promise<Outcome>
  /** Hands a signal to the command. SIGKILL ends the whole tree. */
  signal(signal: number): void
  /** The same for the process group of the command, where it leads one; else for the command. */
  signalGroup(signal: number): void
  /** Lets go: the kernel kills all of it. */
  kill(): void
}

export interface IsolateOptions {
  /** Takes descriptors that init opens inside, with what it says of them and the pid of the first process. What it throws ends the command. */
  readonly receive?: (handed: readonly Handed[], note: number, first: number) => void | Promise<void>
  /** Descriptors that init gets behind those of the command, and behind the channel where there is one. */
  readonly behind?: readonly number[]
  /** Ends what its processes may wait for in the kernel, where no signal reaches them. */
  readonly onStuck?: (() => void) | undefined
  /** Signals to us go to the command until it ends; in our session it hears of the terminal by itself. */
  readonly signals?: { readonly sharesSession: boolean }
  /** What holds its limits: ended here in any case. */
  readonly hold?: Hold | undefined
}
