/** A sandbox that is made before its command is known: everything that is the same for each command is done, and waits. */
import type { Host } from '../host/facts.ts'
import { forget, killChild, waitFor, waitNow } from '../kernel/children.ts'
import { FD_NULL } from '../kernel/functions.ts'
import type { Op, Plan } from '../kernel/plan.ts'
import { SocketConversation } from '../launch/conversation.ts'
import type { Frame } from '../launch/frames.ts'
import { spawnInit } from '../launch/init.ts'
import { REST, sendRest } from '../launch/rest.ts'
import { heldPlan, lingering } from './held-plan.ts'
import type { Hold } from './hold/amounts.ts'
import type { Isolated } from './isolated.ts'
import { mapIds } from './map-ids.ts'
import { watchOver } from './watch.ts'

export class Waiting {
  readonly #plan: Plan
  readonly #host: Host
  readonly #outer: number
  readonly #control: number
  readonly #conversation: SocketConversation
  /** The first process; 0 when it could not be made. */
  readonly #born: Promise<number>
  readonly #hold: Hold | undefined
  #first = 0
  #isGone = false

  /** Starts to make it. Once born it does not keep the program running. @throws RuntimeError as `isolate` */
  constructor(before: Plan, host: Host, hold?: Hold) {
    this.#host = host
    this.#hold = hold
    const plan = heldPlan({ ...before, ops: [...before.ops, REST] }, hold)
    this.#plan = plan
    const { outer, control } = spawnInit(plan, [FD_NULL, FD_NULL, FD_NULL])
    this.#outer = outer
    this.#control = control
    this.#conversation = new SocketConversation(control)
    this.#born = this.#hearOfBirth()
  }

  /** It could not be made, or somebody ended it. */
  get isGone(): boolean {
    return this.#isGone || this.#conversation.isClosed
  }

  /** It takes no command yet. */
  get isBeingMade(): boolean {
    return this.#first === 0 && !this.isGone
  }

  async #hearOfBirth(): Promise<number> {
    const frame = await this.#firstWord()
    this.#conversation.keepAlive(false)
    if (this.#hold?.waits) waitNow(this.#outer)
    else forget(this.#outer)
    if (frame?.message === 'pidBorn') await this.#bear(frame.a)
    else {
      this.#isGone = true
      await this.#hold?.end()
    }
    return this.#first
  }

  /** That of its birth; undefined where there is none. */
  async #firstWord(): Promise<Frame | undefined> {
    const frame = await this.#conversation.next()
    if (frame?.message !== 'usernsMade') return frame
    try {
      await mapIds(this.#plan, frame.a, { conversation: this.#conversation, host: this.#host })
      return await this.#conversation.next()
    } catch {
      // The next command is then started without us, and says why.
      this.#conversation.close()
      killChild(this.#outer)
      return undefined
    }
  }

  async #bear(pid: number): Promise<void> {
    try {
      await this.#hold?.born(pid)
      if (this.#hold?.waits) this.#conversation.say('placed')
      this.#first = pid
    } catch {
      // The next command is then started without us, and says why.
      this.#isGone = true
      this.#conversation.close()
      forget(pid)
      await this.#hold?.end()
    }
  }

  /** Settles when its first process exists. */
  get born(): Promise<unknown> {
    return this.#born
  }

  /** Runs the one command it was made for. Undefined when it is gone, or not born yet: then nothing was started. */
  run(unheld: readonly Op[], fds: readonly number[], host: Host): Isolated | undefined {
    if (this.#first === 0 || this.isGone) return undefined
    const rest = lingering(unheld, this.#hold)
    const pipes = sendRest(this.#control, rest, fds)
    if (pipes === undefined) return undefined
    this.#conversation.keepAlive(true)
    const plan = { ops: [...this.#plan.ops, ...rest], degradations: [] }
    return watchOver({ plan, conversation: this.#conversation, outer: 0, first: this.#first, pipes }, host, {
      hold: this.#hold,
    })
  }

  /** Lets go of it unused, and settles when it is gone. */
  async end(): Promise<void> {
    const first = await this.#born
    this.#conversation.close()
    if (first === 0) return
    killChild(first)
    await waitFor(first)
    await this.#hold?.end()
  }
}
