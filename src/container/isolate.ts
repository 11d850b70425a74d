/** Runs a plan whose init stays as PID 1 and reaps: the sandbox's way to the floors below. */
import type { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { type Ended, forget, killChild, waitFor } from '../kernel/children.ts'
import { catchSignals, releaseSignals } from '../kernel/interruption.ts'
import { native } from '../kernel/native.ts'
import type { Plan } from '../kernel/plan.ts'
import { messages } from '../kernel/plan-def.ts'
import { SocketConversation } from '../launch/conversation.ts'
import { type Frame, failureOf } from '../launch/frames.ts'
import { explainFailure, type Started, spawnInit } from '../launch/launch.ts'
import { Channel, type Handed } from './channel.ts'

export { FD_NULL, FD_PIPE_IN, FD_PIPE_OUT } from '../kernel/native.ts'

/** How it ended: the command's own end, or the reason why it never ran. */
export type Outcome = { readonly ended: Ended } | { readonly failure: RuntimeError }

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

/**
 * The signal that ends the first process. Without a pid namespace it has to end the others, so it may not be killed: it
 * does that when the conversation closes. Before it watches, any signal ends it.
 */
export const endingSignal = ({ ops }: Plan): 'SIGKILL' | 'SIGTERM' =>
  ops.some(({ op }) => op === 'reapTree') ? 'SIGTERM' : 'SIGKILL'

const KILLED: Ended = { exitCode: undefined, signal: 9 }

export interface IsolateOptions {
  /** Takes descriptors that init opens inside, with what it says of them and the pid of the first process. What it throws ends the command. */
  readonly receive?: (handed: readonly Handed[], note: number, first: number) => void | Promise<void>
  /** Descriptors that init gets behind those of the command, and behind the channel where there is one. */
  readonly behind?: readonly number[]
  /** Signals to us go to the command until it ends; in our session it hears of the terminal by itself. */
  readonly signals?: { readonly sharesSession: boolean }
}

/** `fds`: numbers or FD_NULL, FD_PIPE_IN, FD_PIPE_OUT. @throws RuntimeError `spawn-failed`, `memfd-refused`, `native-missing` */
export function isolate(plan: Plan, fds: readonly number[], host: Host, options: IsolateOptions = {}): Isolated {
  if (options.signals) catchSignals('none')
  const channel = options.receive && new Channel()
  const { outer, control, pipes } = begin(plan, fds, channel, options.behind)
  if (options.signals) native().forwardSignals(0, control, options.signals.sharesSession ? 1 : 0)
  return watchOver(
    { plan, outer, first: 0, pipes, conversation: new SocketConversation(control), channel },
    host,
    options,
  )
}

/** An init that was started, and what it was told. */
export interface Begun {
  readonly plan: Plan
  readonly conversation: SocketConversation
  /** 0 when it is reaped already. */
  readonly outer: number
  /** The first process, where it is known already; else 0. */
  readonly first: number
  readonly pipes: readonly number[]
  readonly channel?: Channel | undefined
}

/** Hears of it to its end. */
export function watchOver(begun: Begun, host: Host, options: IsolateOptions = {}): Isolated {
  const { plan, conversation, outer, pipes, channel } = begun
  let { first } = begun
  let isOver = false
  const ending = endingSignal(plan)
  const waits = plan.ops.some((op) => op.op === 'wait' && op.message === messages.taken)
  const next = async (): Promise<Frame | undefined> => {
    for (;;) {
      const frame = await conversation.next()
      if (frame?.message === 'pidBorn') first = frame.a
      else if (frame?.message === 'netOpened') {
        await options.receive?.(channel?.receive() ?? [], frame.a, first)
        if (waits) conversation.say('taken')
      } else if (frame?.message !== 'weaker') return frame
    }
  }
  const listen = async (): Promise<Outcome> => {
    const last = await next().catch((failure: RuntimeError) => ({ failure }))
    if (last && 'failure' in last) end()
    isOver = true
    if (options.signals) releaseSignals()
    conversation.close()
    channel?.[Symbol.dispose]()
    if (outer) forget(outer)
    if (first && ending === 'SIGTERM') await waitFor(first)
    else if (first) forget(first)
    return last && 'failure' in last ? last : outcomeOf(last, plan, host)
  }
  /** Letting go ends it at its next word; the signal is for one that hangs in a system call. It is a child not reaped yet. */
  const end = () => {
    conversation.close()
    for (const pid of isOver ? [] : [first, outer]) if (pid) killChild(pid, ending)
  }
  return {
    pipes,
    outcome: listen(),
    signal: (signal) => (signal === 9 ? end() : conversation.signal(signal)),
    signalGroup: (signal) => conversation.signal(signal, true),
    kill: end,
  }
}

function begin(
  plan: Plan,
  fds: readonly number[],
  channel: Channel | undefined,
  behind: readonly number[] = [],
): Started {
  try {
    return spawnInit(plan, [...fds, ...(channel ? [channel.theirs] : []), ...behind])
  } catch (error) {
    channel?.[Symbol.dispose]()
    releaseSignals()
    throw error
  } finally {
    channel?.release()
  }
}

function outcomeOf(last: Frame | undefined, plan: Plan, host: Host): Outcome {
  if (last?.message === 'failed') {
    const failure = failureOf(last)
    return { failure: explainFailure(failure, plan.ops[failure.index], host) }
  }
  if (last?.message !== 'exited') return { ended: KILLED }
  return { ended: last.b ? { exitCode: undefined, signal: last.b } : { exitCode: last.a, signal: undefined } }
}
