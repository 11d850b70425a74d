/** Hears of an init to its end, and passes on what is said to its command. */
import type { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { type Ended, forget, killChild, waitFor, waitNow } from '../kernel/children.ts'
import { releaseSignals } from '../kernel/interruption.ts'
import type { Plan } from '../kernel/plan.ts'
import { messages } from '../kernel/plan-def.ts'
import type { SocketConversation } from '../launch/conversation.ts'
import { endedOf, type Frame, failureOf } from '../launch/frames.ts'
import { explainFailure } from '../launch/init.ts'
import type { Channel } from './channel.ts'
import type { Isolated, IsolateOptions, Outcome } from './isolated.ts'
import { mapIds } from './map-ids.ts'

/**
 * The signal that ends the first process. Without a pid namespace it has to end the others, so it may not be killed: it
 * does that when the conversation closes. Before it watches, any signal ends it.
 */
export const endingSignal = ({ ops }: Plan): 'SIGKILL' | 'SIGTERM' =>
  ops.some(({ op }) => op === 'reapTree') ? 'SIGTERM' : 'SIGKILL'

/** A birth takes a few milliseconds; what has not told of it by then hangs. */
const BIRTH_MS = 2000

/** Milliseconds after which a process that is killed and still there waits for something in the kernel. */
export const STUCK_MS = 3000

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
  #outer: number
  #isOver = false
  /** It is to end, and its first process is not known yet. */
  #patience: NodeJS.Timeout | undefined
  /** Signals for a first process that waits for another word; undefined when it does not. */
  #early: Passed[] | undefined

  constructor(begun: Begun, host: Host, options: IsolateOptions) {
    this.#begun = begun
    this.#host = host
    this.#options = options
    this.#ending = endingSignal(begun.plan)
    this.#first = begun.first
    this.#outer = begun.outer
    this.#early = begun.first === 0 && (this.#waitsFor(messages.placed) || begun.plan.maps) ? [] : undefined
  }

  #waitsFor(message: number): boolean {
    return this.#begun.plan.ops.some((op) => op.op === 'wait' && op.message === message)
  }

  pass(one: Passed): void {
    if (this.#early) this.#early.push(one)
    else this.#begun.conversation.signal(one.signal, one.isForGroup)
  }

  /** Letting go before the first process is known would leave it to nobody: a child of ours that is never reaped. */
  end(): void {
    if (this.#first === 0 && !this.#isOver) this.#patience ??= setTimeout(() => this.#cut(), BIRTH_MS)
    else this.#cut()
  }

  /** Letting go ends it at its next word; the signal is for one that hangs in a system call. It is a child not reaped yet. */
  #cut(): void {
    this.#begun.conversation.close()
    for (const pid of this.#isOver ? [] : [this.#first, this.#outer]) if (pid) killChild(pid, this.#ending)
  }

  async listen(): Promise<Outcome> {
    const { conversation, channel, plan } = this.#begun
    const { signals, hold } = this.#options
    const last: Last = await this.#last().catch((failure: RuntimeError) => ({ failure }))
    if (last && 'failure' in last) this.#cut()
    this.#isOver = true
    clearTimeout(this.#patience)
    if (signals) releaseSignals()
    const hasTold = last !== undefined && 'message' in last && last.message === 'exited'
    if (hasTold) hold?.ending?.()
    conversation.close()
    channel?.[Symbol.dispose]()
    if (this.#outer) forget(this.#outer)
    await this.#collectFirst(hasTold)
    const limits = hold && { limits: await hold.end() }
    return { ...(last && 'failure' in last ? last : outcomeOf(last, plan, this.#host)), ...limits }
  }

  /**
   * Where others go with it, or its limits are taken away behind it, its end is waited for. One that tells how it ended has
   * seen to its tree; of one that was killed the kernel may still be ending it.
   */
  async #collectFirst(hasTold: boolean): Promise<void> {
    if (this.#first === 0) return
    const { hold, onStuck } = this.#options
    if (this.#ending !== 'SIGTERM' && !hold && !onStuck && hasTold) return forget(this.#first)
    const timer = onStuck && setTimeout(onStuck, STUCK_MS)
    await waitFor(this.#first)
    clearTimeout(timer)
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
    const { conversation, forward } = this.#begun
    this.#first = pid
    if (this.#patience) return this.#cut()
    if (this.#early) {
      waitNow(this.#outer) // it counts as long as it is a zombie, and ends just now
      this.#outer = 0
    }
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
  return { ended: endedOf(last) }
}
