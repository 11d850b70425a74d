/** A program of ours that runs beside a sandbox, with namespaces of its own. Its first process watches us: the kernel ends all of it with us. */
import { elapsed } from '../base/clock.ts'
import type { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { type Ended, killChild, waitNow } from '../kernel/children.ts'
import type { Plan } from '../kernel/plan.ts'
import { BlockingConversation } from '../launch/blocking.ts'
import { endedOf, type Frame, failureOf } from '../launch/frames.ts'
import { explainFailure, spawnInit } from '../launch/init.ts'

/** Undefined in both places: it was killed. */
export interface Ending {
  readonly ended?: Ended
  /** Why it never ran. */
  readonly failure?: RuntimeError
}

export class Companion {
  readonly #plan: Plan
  readonly #host: Host
  readonly #outer: number
  readonly #conversation: BlockingConversation
  #first = 0
  #ending: Ending | undefined
  #isOver = false

  /** `plan` has a `reap`; `fds` are its descriptors 0, 1, 2, … @throws RuntimeError as `isolate` */
  constructor(plan: Plan, fds: readonly number[], host: Host) {
    const { outer, control } = spawnInit(plan, fds)
    this.#plan = plan
    this.#host = host
    this.#outer = outer
    this.#conversation = new BlockingConversation(control)
  }

  /** Blocks for at most so many milliseconds until it ends by itself, and ends it then. May be called again. */
  end(patience: number): Ending {
    if (this.#isOver) return this.#ending ?? {}
    const deadline = elapsed() + patience
    this.#listen(deadline)
    // It ends with the birth, and until then nobody knows who else is to be reaped.
    waitNow(this.#outer)
    if (this.#first === 0) this.#listen(0)
    this.#isOver = true
    this.#conversation.close()
    if (this.#first !== 0) {
      killChild(this.#first)
      waitNow(this.#first)
    }
    return this.#ending ?? {}
  }

  #listen(deadline: number): void {
    while (this.#ending === undefined) {
      const frame = this.#conversation.nextWithin(Math.max(0, deadline - elapsed()))
      if (frame === 'timeout' || frame === undefined) return
      this.#hear(frame)
    }
  }

  #hear(frame: Frame): void {
    if (frame.message === 'pidBorn') this.#first = frame.a
    if (frame.message === 'exited') this.#ending = { ended: endedOf(frame) }
    if (frame.message !== 'failed') return
    const failure = failureOf(frame)
    this.#ending = { failure: explainFailure(failure, this.#plan.ops[failure.index], this.#host) }
  }
}
