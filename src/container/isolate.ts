/** Runs a plan whose init stays as PID 1 and reaps: the sandbox's way to the floors below. */
import type { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { type Ended, forget, killChild, waitFor } from '../kernel/children.ts'
import type { Plan } from '../kernel/plan.ts'
import { SocketConversation } from '../launch/conversation.ts'
import { failureOf } from '../launch/frames.ts'
import { explainFailure, spawnInit } from '../launch/launch.ts'

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

/** `fds`: numbers or FD_NULL, FD_PIPE_IN, FD_PIPE_OUT. @throws RuntimeError `spawn-failed`, `memfd-refused`, `native-missing` */
export function isolate(plan: Plan, fds: readonly number[], host: Host): Isolated {
  const { outer, control, pipes } = spawnInit(plan, fds)
  const conversation = new SocketConversation(control)
  let first = 0
  let isOver = false
  const ending = endingSignal(plan)
  const listen = async (): Promise<Outcome> => {
    for (;;) {
      const frame = await conversation.next()
      if (frame?.message === 'pidBorn') first = frame.a
      if (frame?.message === 'pidBorn' || frame?.message === 'weaker') continue
      isOver = true
      conversation.close()
      forget(outer)
      if (first && ending === 'SIGTERM') await waitFor(first)
      else if (first) forget(first)
      if (frame?.message === 'failed') {
        const failure = failureOf(frame)
        return { failure: explainFailure(failure, plan.ops[failure.index], host) }
      }
      if (frame?.message !== 'exited') return { ended: KILLED }
      return { ended: frame.b ? { exitCode: undefined, signal: frame.b } : { exitCode: frame.a, signal: undefined } }
    }
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
    kill: end,
  }
}
