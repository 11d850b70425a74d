/** Sandboxes that are made in advance. Each takes one command and is never used again. */
import type { Isolated } from '../container/isolate.ts'
import { Waiting } from '../container/waiting.ts'
import type { Host } from '../host/facts.ts'
import type { Op } from '../kernel/plan.ts'

export class Pool {
  readonly #size: number
  readonly #make: () => Waiting
  readonly #waiting: Waiting[] = []
  #refill: NodeJS.Immediate | undefined
  #isEnded = false

  /** @throws RuntimeError as `isolate`: a machine that cannot make one says so at once */
  constructor(size: number, before: readonly Op[]) {
    this.#size = size
    this.#make = () => new Waiting(before)
    if (size > 0) this.#fill()
  }

  /** Settles when all that it holds are ready for a command, as far as we can know. */
  async ready(): Promise<void> {
    await Promise.all(this.#waiting.map((one) => one.born))
  }

  /** Undefined when none is ready. */
  run(rest: readonly Op[], fds: readonly number[], host: Host): Isolated | undefined {
    for (;;) {
      const one = this.#waiting.shift()
      if (one === undefined) return undefined
      this.#fillLater()
      const isolated = one.run(rest, fds, host)
      if (isolated) return isolated
      void one.end()
    }
  }

  /** After the command has its start: making another one takes as long as a run. */
  #fillLater(): void {
    this.#refill ??= setImmediate(() => {
      this.#refill = undefined
      if (!this.#isEnded) this.#fill()
    })
  }

  #fill(): void {
    // One that failed by itself would fail again; the next command is then run without us, and says why.
    if (this.#waiting.some((one) => one.isGone)) return
    while (this.#waiting.length < this.#size) this.#waiting.push(this.#make())
  }

  async end(): Promise<void> {
    this.#isEnded = true
    clearImmediate(this.#refill)
    await Promise.all(this.#waiting.splice(0).map((one) => one.end()))
  }
}
