/** Runs a plan whose init stays as PID 1 and reaps: the sandbox's way to the floors below. */
import type { Host } from '../host/facts.ts'
import { catchSignals, releaseSignals } from '../kernel/interruption.ts'
import { native } from '../kernel/native.ts'
import type { Plan } from '../kernel/plan.ts'
import { SocketConversation } from '../launch/conversation.ts'
import { type Started, spawnInit } from '../launch/init.ts'
import { Channel } from './channel.ts'
import { heldPlan } from './held-plan.ts'
import type { Isolated, IsolateOptions } from './isolated.ts'
import { watchOver } from './watch.ts'

export { FD_NULL, FD_PIPE_IN, FD_PIPE_OUT } from '../kernel/functions.ts'
export type { Isolated, IsolateOptions, Outcome } from './isolated.ts'

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
