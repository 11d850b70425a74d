/** The same as `isolate` for the command line: blocks, with the caller's own descriptors and forwarded signals. */
import type { Host } from '../host/facts.ts'
import { type Ended, killChild, waitNow } from '../kernel/children.ts'
import { catchSignals, releaseSignals } from '../kernel/interruption.ts'
import { native } from '../kernel/native.ts'
import type { Plan } from '../kernel/plan.ts'
import { BlockingConversation } from '../launch/blocking.ts'
import { type Frame, failureOf } from '../launch/frames.ts'
import { explainFailure, spawnInit } from '../launch/launch.ts'
import { endingSignal } from './isolate.ts'

export interface BlockingOptions {
  readonly host: Host
  /** Milliseconds; then everything is killed. */
  readonly timeout: number | undefined
  /** The command stays in our session, and hears of the terminal by itself. */
  readonly sharesSession: boolean
}

const KILLED: Ended = { exitCode: undefined, signal: 9 }

/** @throws RuntimeError when the command never ran */
export async function isolateBlocking(
  plan: Plan,
  options: BlockingOptions,
): Promise<{ ended: Ended; timedOut: boolean }> {
  catchSignals('none')
  const { outer, control, conversation } = begin(plan)
  native().forwardSignals(0, control, options.sharesSession ? 1 : 0)
  const { last, first } = listen(conversation, options.timeout)
  releaseSignals()
  conversation.close()
  if (last === 'timeout') for (const pid of [first, outer]) if (pid) killChild(pid, endingSignal(plan))
  waitNow(outer)
  if (first) waitNow(first)
  if (last === 'timeout') return { ended: KILLED, timedOut: true }
  if (last?.message === 'failed') {
    const failure = failureOf(last)
    throw explainFailure(failure, plan.ops[failure.index], options.host)
  }
  if (last?.message !== 'exited') return { ended: KILLED, timedOut: false }
  const ended = last.b ? { exitCode: undefined, signal: last.b } : { exitCode: last.a, signal: undefined }
  return { ended, timedOut: false }
}

/** Without it nobody is there to be given what has come meanwhile. */
function begin(plan: Plan): { outer: number; control: number; conversation: BlockingConversation } {
  try {
    const { outer, control } = spawnInit(plan, [0, 1, 2])
    return { outer, control, conversation: new BlockingConversation(control) }
  } catch (error) {
    releaseSignals()
    throw error
  }
}

function listen(
  conversation: BlockingConversation,
  timeout = -1,
): { last: Frame | undefined | 'timeout'; first: number } {
  const deadline = performance.now() + timeout
  let first = 0
  for (;;) {
    const last = conversation.nextWithin(timeout < 0 ? -1 : Math.max(0, deadline - performance.now()))
    if (last === 'timeout') return { last, first }
    if (last?.message === 'pidBorn') first = last.a
    else if (last?.message !== 'weaker') return { last, first }
  }
}
