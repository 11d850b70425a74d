/** The same as `isolate` for the command line: blocks, with the caller's own descriptors and forwarded signals. */
import { elapsed } from '../base/clock.ts'
import type { Host } from '../host/facts.ts'
import { type Ended, killChild, waitBriefly, waitNow } from '../kernel/children.ts'
import { catchSignals, releaseSignals } from '../kernel/interruption.ts'
import { native } from '../kernel/native.ts'
import type { Plan } from '../kernel/plan.ts'
import { BlockingConversation } from '../launch/blocking.ts'
import { endedOf, type Frame, failureOf } from '../launch/frames.ts'
import { explainFailure, spawnInit } from '../launch/init.ts'
import { heldPlan } from './held-plan.ts'
import type { HeldLimit, Hold } from './hold/amounts.ts'
import { mapIds } from './map-ids.ts'
import { endingSignal, STUCK_MS } from './watch.ts'

export interface BlockingOptions {
  readonly host: Host
  /** Milliseconds; then everything is killed. */
  readonly timeout: number | undefined
  /** Milliseconds before that, in which the command has been asked with SIGTERM to end. */
  readonly grace?: number | undefined
  /** The command stays in our session, and hears of the terminal by itself. */
  readonly sharesSession: boolean
  /** Descriptors that init gets behind the standard ones. */
  readonly behind?: readonly number[] | undefined
  /** Ends what its processes may wait for in the kernel, where no signal reaches them. */
  readonly onStuck?: (() => void) | undefined
  /** What holds its limits: ended here in any case. */
  readonly hold?: Hold | undefined
}

export interface BlockingOutcome {
  readonly ended: Ended
  readonly timedOut: boolean
  readonly limits: readonly HeldLimit[]
}

const SIGTERM = 15
const KILLED: Ended = { exitCode: undefined, signal: 9 }

/** @throws RuntimeError when the command never ran */
export async function isolateBlocking(unheld: Plan, options: BlockingOptions): Promise<BlockingOutcome> {
  const { hold } = options
  let limits: readonly HeldLimit[] = []
  let isEnded = false
  const end = async () => {
    if (!isEnded) limits = (await hold?.end()) ?? []
    isEnded = true
  }
  try {
    const outcome = await run(heldPlan(unheld, hold), options)
    await end()
    return { ...outcome, limits }
  } finally {
    await end()
  }
}

async function run(plan: Plan, options: BlockingOptions): Promise<{ ended: Ended; timedOut: boolean }> {
  catchSignals('none')
  const { outer, control, conversation } = begin(plan, options.behind)
  const forward = () => native().forwardSignals(0, control, options.sharesSession ? 1 : 0)
  const waits = options.hold?.waits === true || plan.maps !== undefined
  if (!waits) forward()
  const heard = await listen({ plan, conversation, outer, options, forward: waits ? forward : undefined })
  const { last, first } = heard
  releaseSignals()
  if (last !== 'timeout' && last?.message === 'exited') options.hold?.ending?.()
  conversation.close()
  if (last === 'timeout' || heard.refusal) for (const pid of [first, outer]) if (pid) killChild(pid, endingSignal(plan))
  waitNow(outer)
  if (first && !(options.onStuck && waitBriefly(first, STUCK_MS))) {
    options.onStuck?.()
    waitNow(first)
  }
  if (heard.refusal) throw heard.refusal
  if (last === 'timeout') return { ended: KILLED, timedOut: true }
  const { timedOut } = heard
  if (last?.message === 'failed') {
    const failure = failureOf(last)
    throw explainFailure(failure, plan.ops[failure.index], options.host)
  }
  if (last?.message !== 'exited') return { ended: KILLED, timedOut }
  return { ended: endedOf(last), timedOut }
}

/** Without it nobody is there to be given what has come meanwhile. */
function begin(
  plan: Plan,
  behind: readonly number[] = [],
): { outer: number; control: number; conversation: BlockingConversation } {
  try {
    const { outer, control } = spawnInit(plan, [0, 1, 2, ...behind])
    return { outer, control, conversation: new BlockingConversation(control) }
  } catch (error) {
    releaseSignals()
    throw error
  }
}

interface Listening {
  readonly plan: Plan
  readonly conversation: BlockingConversation
  readonly outer: number
  readonly options: BlockingOptions
  /** Has signals to us go to the command, where that waited: nothing else may be said to a process that waits. */
  readonly forward: (() => void) | undefined
}

interface Heard {
  readonly last: Frame | undefined | 'timeout'
  readonly first: number
  readonly timedOut: boolean
  /** Its limits could not be held. */
  readonly refusal?: unknown
}

async function listen({ plan, conversation, outer, options, forward }: Listening): Promise<Heard> {
  const { timeout = -1, grace = 0, hold, host } = options
  let deadline = elapsed() + timeout
  let first = 0
  let timedOut = false
  for (;;) {
    const last = conversation.nextWithin(timeout < 0 ? -1 : Math.max(0, deadline - elapsed()))
    if (last === 'timeout' && !timedOut && grace > 0 && first !== 0) {
      timedOut = true
      deadline = elapsed() + grace
      conversation.signal(SIGTERM)
      continue
    }
    if (last === 'timeout') return { last, first, timedOut: true }
    try {
      if (last?.message === 'usernsMade') await mapIds(plan, last.a, { conversation, host })
      else if (last?.message === 'pidBorn') {
        first = last.a
        if (hold?.waits) waitNow(outer) // it counts as long as it is a zombie, and ends just now
        await hold?.born(first)
        if (hold?.waits) conversation.say('placed')
        forward?.()
      } else if (last?.message !== 'weaker') return { last, first, timedOut }
    } catch (refusal) {
      return { last: undefined, first, timedOut, refusal }
    }
  }
}
