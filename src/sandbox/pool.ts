/** Sandboxes that are made in advance. Each takes one command and is never used again. */
import { availableParallelism } from 'node:os'
import type { Hold } from '../container/hold/amounts.ts'
import type { Isolated } from '../container/isolate.ts'
import { Waiting } from '../container/waiting.ts'
import type { Host } from '../host/facts.ts'
import type { IdMaps, Op } from '../kernel/plan.ts'

/** What all that it makes have in common. */
export interface Mould {
  readonly before: readonly Op[]
  readonly label: string
  readonly maps: IdMaps | undefined
  readonly host: Host
  readonly hold?: () => Hold | undefined
}

export class Pool {
  readonly #size: number
  readonly #make: () => Waiting
  readonly #waiting: Waiting[] = []
  /** Commands of this pool that have not ended, also those that did not come from it. */
  #running = 0
  #refill: NodeJS.Immediate | undefined
  #isEnded = false

  /** @throws RuntimeError as `isolate`: a machine that cannot make one says so at once */
  constructor(size: number, { before, label, maps, host, hold }: Mould) {
    this.#size = size
    this.#make = () => new Waiting({ ops: before, degradations: [], label, maps }, host, hold?.())
    while (this.#waiting.length < size) this.#waiting.push(this.#make())
  }

  /** Settles when it is full and all that it holds are ready for a command, as far as we can know. */
  async ready(): Promise<void> {
    while (this.#mayFill()) this.#waiting.push(this.#make())
    await Promise.all(this.#waiting.map((one) => one.born))
  }

  /** Undefined when none is ready. One that is still being made is left alone: it will be for a later command. */
  run(rest: readonly Op[], fds: readonly number[], host: Host): Isolated | undefined {
    if (this.#size === 0) return undefined
    for (let at = 0; at < this.#waiting.length; ) {
      const one = this.#waiting[at]
      if (one === undefined || one.isBeingMade) {
        at++
        continue
      }
      this.#waiting.splice(at, 1)
      const isolated = one.run(rest, fds, host)
      if (isolated) return isolated
      void one.end()
    }
    return undefined
  }

  /** Counts a command until it has ended. */
  count(ended: Promise<unknown>): void {
    if (this.#size === 0) return
    this.#running++
    const gone = () => {
      this.#running--
      this.#fillLater()
    }
    ended.then(gone, gone)
    this.#fillLater()
  }

  /**
   * After the command has its start: making another one takes as long as a run. Where as many run as there are processors
   * it would only take time from them, and gain nothing: each command that is started cold does the same work once.
   */
  #fillLater(): void {
    if (this.#running >= this.#mostBeside || !this.#mayFill()) return
    this.#refill ??= setImmediate(() => {
      this.#refill = undefined
      if (this.#running >= this.#mostBeside || !this.#mayFill()) return
      // One at a time: what waits in the event loop need not wait for all of them.
      this.#waiting.push(this.#make())
      this.#fillLater()
    })
  }

  readonly #mostBeside = Math.max(2, availableParallelism())

  /** One that failed by itself would fail again; the next command is then run without us, and says why. */
  #mayFill(): boolean {
    return !this.#isEnded && this.#waiting.length < this.#size && !this.#waiting.some((one) => one.isGone)
  }

  async end(): Promise<void> {
    this.#isEnded = true
    clearImmediate(this.#refill)
    await Promise.all(this.#waiting.splice(0).map((one) => one.end()))
  }
}
