/** Runs a plan whose init stays as PID 1 and reaps: the sandbox's way to the floors below. */
import { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { type Ended, forget, killChild, waitFor, waitNow } from '../kernel/children.ts'
import { catchSignals, releaseSignals } from '../kernel/interruption.ts'
import { native } from '../kernel/native.ts'
import type { Op, Plan } from '../kernel/plan.ts'
import { messages } from '../kernel/plan-def.ts'
import { SocketConversation } from '../launch/conversation.ts'
import { type Conversation, type Frame, failureOf } from '../launch/frames.ts'
import { explainFailure, type Started, spawnInit } from '../launch/launch.ts'
import { writeGroupMaps } from '../linux/idmap/write.ts'
import { Channel, type Handed } from './channel.ts'
import type { HeldLimit, Hold } from './hold/amounts.ts'

export { FD_NULL, FD_PIPE_IN, FD_PIPE_OUT } from '../kernel/functions.ts'

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
  /** What holds its limits: ended here in any case. */
  readonly hold?: Hold | undefined
}

/** `fds`: numbers or FD_NULL, FD_PIPE_IN, FD_PIPE_OUT. @throws RuntimeError `spawn-failed`, `memfd-refused`, `native-missing` */
export function isolate(unheld: Plan, fds: readonly number[], host: Host, options: IsolateOptions = {}): Isolated {
  const plan = heldPlan(unheld, options.hold)
  if (options.signals) catchSignals('none')
  const channel = options.receive && new Channel()
  const { outer, control, pipes } = begin(plan, fds, { ...options, channel })
  const { signals, hold } = options
  const forward = () => signals && native().forwardSignals(0, control, signals.sharesSession ? 1 : 0)
  if (!hold?.waits && !plan.maps) forward()
  const conversation = new SocketConversation(control)
  return watchOver({ plan, outer, first: 0, pipes, conversation, channel, forward }, host, options)
}

interface Passed {
  readonly signal: number
  readonly isForGroup: boolean
}

/** With what its first process does, and waits for, so that its limits hold from the beginning on. */
export function heldPlan(plan: Plan, hold: Hold | undefined): Plan {
  if (hold === undefined) return plan
  const ops = lingering(plan.ops, hold)
  return { ...plan, ops: [...hold.ops, ...(hold.waits ? waiting(ops) : ops)] }
}

/** With a first process that waits at the end, where something is to be looked at then. */
export const lingering = (ops: readonly Op[], hold: Hold | undefined): readonly Op[] =>
  hold?.ending === undefined
    ? ops
    : ops.map((op) => (op.op === 'reap' || op.op === 'reapTree' ? { ...op, lingers: 1 } : op))

function waiting(ops: readonly Op[]): Op[] {
  const born = ops.findIndex(({ op }) => op === 'born') + 1
  return [...ops.slice(0, born), { op: 'wait', message: messages.placed, origin: 'limits' }, ...ops.slice(born)]
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
  /** Has signals to us go to it; for one that waits first, when it waits no more. */
  readonly forward?: () => void
}

/** Hears of it to its end. */
export function watchOver(begun: Begun, host: Host, options: IsolateOptions = {}): Isolated {
  const { plan, conversation, outer, pipes, channel } = begun
  let { first } = begun
  let isOver = false
  const ending = endingSignal(plan)
  const waitsFor = (message: number) => plan.ops.some((op) => op.op === 'wait' && op.message === message)
  const { hold } = options
  /** Signals for a first process that waits for another word; undefined when it does not. */
  let early: Passed[] | undefined = first === 0 && (waitsFor(messages.placed) || plan.maps) ? [] : undefined
  const bear = async (pid: number) => {
    first = pid
    if (early) waitNow(outer) // it counts as long as it is a zombie, and ends just now
    await hold?.born(pid)
    if (early && waitsFor(messages.placed)) conversation.say('placed')
    for (const { signal, isForGroup } of early ?? []) conversation.signal(signal, isForGroup)
    if (early) begun.forward?.()
    early = undefined
  }
  const pass = (one: Passed) => {
    if (early) early.push(one)
    else conversation.signal(one.signal, one.isForGroup)
  }
  const next = async (): Promise<Frame | undefined> => {
    for (;;) {
      const frame = await conversation.next()
      if (frame?.message === 'usernsMade') await mapIds(plan, frame.a, { conversation, host })
      else if (frame?.message === 'pidBorn') await bear(frame.a)
      else if (frame?.message === 'netOpened') {
        await options.receive?.(channel?.receive() ?? [], frame.a, first)
        if (waitsFor(messages.taken)) conversation.say('taken')
      } else if (frame?.message !== 'weaker') return frame
    }
  }
  const listen = async (): Promise<Outcome> => {
    const last = await next().catch((failure: RuntimeError) => ({ failure }))
    if (last && 'failure' in last) end()
    isOver = true
    if (options.signals) releaseSignals()
    if (last && 'message' in last && last.message === 'exited') hold?.ending?.()
    conversation.close()
    channel?.[Symbol.dispose]()
    if (outer) forget(outer)
    if (first && ending === 'SIGTERM') await waitFor(first)
    else if (first && hold) await waitFor(first)
    else if (first) forget(first)
    const limits = hold && { limits: await hold.end() }
    return { ...(last && 'failure' in last ? last : outcomeOf(last, plan, host)), ...limits }
  }
  /** Letting go ends it at its next word; the signal is for one that hangs in a system call. It is a child not reaped yet. */
  const end = () => {
    conversation.close()
    for (const pid of isOver ? [] : [first, outer]) if (pid) killChild(pid, ending)
  }
  return {
    pipes,
    outcome: listen(),
    signal: (signal) => (signal === 9 ? end() : pass({ signal, isForGroup: false })),
    signalGroup: (signal) => pass({ signal, isForGroup: true }),
    kill: end,
  }
}

interface Mapping {
  readonly conversation: Conversation
  readonly host: Host
}

/** Answers an init that waits for its maps. @throws RuntimeError `map-…`, unless we have let go of it */
export async function mapIds({ maps }: Plan, pid: number, { conversation, host }: Mapping): Promise<void> {
  try {
    if (maps === undefined) throw new RuntimeError('internal', { what: 'init waits for maps that nobody has chosen' })
    await writeGroupMaps(pid, maps, host)
    conversation.say('mapsWritten')
  } catch (error) {
    // Who ends it meanwhile has a map that cannot be written, and no failure.
    if (!conversation.isClosed) throw error
  }
}

interface Beside extends IsolateOptions {
  readonly channel: Channel | undefined
}

function begin(plan: Plan, fds: readonly number[], { channel, hold, behind = [] }: Beside): Started {
  try {
    return spawnInit(plan, [...fds, ...(channel ? [channel.theirs] : []), ...behind])
  } catch (error) {
    channel?.[Symbol.dispose]()
    releaseSignals()
    void hold?.end()
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
