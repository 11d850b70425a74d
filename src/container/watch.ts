/** Hears of an init to its end, and passes on what is said to its command. */
import type { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { type Ended, forget, killChild, waitFor, waitNow } from '../kernel/children.ts'
import { releaseSignals } from '../kernel/interruption.ts'
import type { Plan } from '../kernel/plan.ts'
import { messages } from '../kernel/plan-def.ts'
import type { SocketConversation } from '../launch/conversation.ts'
import { type Frame, failureOf } from '../launch/frames.ts'
import { explainFailure } from '../launch/launch.ts'
import type { Channel } from './channel.ts'
import type { Isolated, IsolateOptions, Outcome } from './isolated.ts'
import { mapIds } from './map-ids.ts'

/**
 * The signal that ends the first process. Without a pid namespace it has to end the others, so it may not be killed: it
 * does that when the conversation closes. Before it watches, any signal ends it.
 */
export const endingSignal = ({ ops }: Plan): 'SIGKILL' | 'SIGTERM' =>
  ops.some(({ op }) => op === 'reapTree') ? 'SIGTERM' : 'SIGKILL'

const KILLED: Ended = { exitCode: undefined, signal: 9 }

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

interface Passed {
  readonly signal: number
  readonly isForGroup: boolean
}

export function watchOver(begun: Begun, host: Host, options: IsolateOptions = {}): Isolated {
  const watch = new Watch(begun, host, options)
  return {
    pipes: begun.pipes,
    outcome: watch.listen(),
    signal: (signal) => (signal === 9 ? watch.end() : watch.pass({ signal, isForGroup: false })),
    signalGroup: (signal) => watch.pass({ signal, isForGroup: true }),
    kill: () => watch.end(),
  }
}

type Last = Frame | undefined | { readonly failure: RuntimeError }

class Watch {
  readonly #begun: Begun
  readonly #host: Host
  readonly #options: IsolateOptions
  readonly #ending: 'SIGKILL' | 'SIGTERM'
  #first: number
  #isOver = false
  /** Signals for a first process that waits for another word; undefined when it does not. */
  #early: Passed[] | undefined

  constructor(begun: Begun, host: Host, options: IsolateOptions) {
    this.#begun = begun
    this.#host = host
    this.#options = options
    this.#ending = endingSignal(begun.plan)
    this.#first = begun.first
    this.#early = begun.first === 0 && (this.#waitsFor(messages.placed) || begun.plan.maps) ? [] : undefined
  }

  #waitsFor(message: number): boolean {
    return this.#begun.plan.ops.some((op) => op.op === 'wait' && op.message === message)
  }

  pass(one: Passed): void {
    if (this.#early) this.#early.push(one)
    else this.#begun.conversation.signal(one.signal, one.isForGroup)
  }

  /** Letting go ends it at its next word; the signal is for one that hangs in a system call. It is a child not reaped yet. */
  end(): void {
    const { conversation, outer } = this.#begun
    conversation.close()
    for (const pid of this.#isOver ? [] : [this.#first, outer]) if (pid) killChild(pid, this.#ending)
  }

  async listen(): Promise<Outcome> {
    const { conversation, channel, outer, plan } = this.#begun
    const { signals, hold } = this.#options
    const last: Last = await this.#last().catch((failure: RuntimeError) => ({ failure }))
    if (last && 'failure' in last) this.end()
    this.#isOver = true
    if (signals) releaseSignals()
    if (last && 'message' in last && last.message === 'exited') hold?.ending?.()
    conversation.close()
    channel?.[Symbol.dispose]()
    if (outer) forget(outer)
    await this.#collectFirst()
    const limits = hold && { limits: await hold.end() }
    return { ...(last && 'failure' in last ? last : outcomeOf(last, plan, this.#host)), ...limits }
  }

  /** Where others go with it, or its limits are taken away behind it, its end is waited for. */
  async #collectFirst(): Promise<void> {
    if (this.#first === 0) return
    if (this.#ending === 'SIGTERM' || this.#options.hold) await waitFor(this.#first)
    else forget(this.#first)
  }

  /** Its last word; undefined when it ended without one. */
  async #last(): Promise<Frame | undefined> {
    const { conversation, channel, plan } = this.#begun
    for (;;) {
      const frame = await conversation.next()
      if (frame?.message === 'usernsMade') await mapIds(plan, frame.a, { conversation, host: this.#host })
      else if (frame?.message === 'pidBorn') await this.#bear(frame.a)
      else if (frame?.message === 'netOpened') {
        await this.#options.receive?.(channel?.receive() ?? [], frame.a, this.#first)
        if (this.#waitsFor(messages.taken)) conversation.say('taken')
      } else if (frame?.message !== 'weaker') return frame
    }
  }

  async #bear(pid: number): Promise<void> {
    const { conversation, outer, forward } = this.#begun
    this.#first = pid
    if (this.#early) waitNow(outer) // it counts as long as it is a zombie, and ends just now
    await this.#options.hold?.born(pid)
    if (this.#early && this.#waitsFor(messages.placed)) conversation.say('placed')
    for (const { signal, isForGroup } of this.#early ?? []) conversation.signal(signal, isForGroup)
    if (this.#early) forward?.()
    this.#early = undefined
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
