/** Undo: push what a step leaves behind before it acts; success disarms. */
export type Undo = () => undefined | void | PromiseLike<void>

export class Dispose implements AsyncDisposable {
  #steps: Undo[] = []

  /** Registers an undo. Runs in reverse order unless `disarm` came first. */
  push(step: Undo): void {
    this.#steps.push(step)
  }

  use<T extends AsyncDisposable>(resource: T): T {
    this.#steps.push(() => resource[Symbol.asyncDispose]())
    return resource
  }

  disarm(): void {
    this.#steps = []
  }

  /** Every step runs even when an earlier one fails; the first failure is thrown at the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    const steps = this.#steps.reverse()
    this.#steps = []
    const failures: unknown[] = []
    for (const step of steps) {
      try {
        await step()
      } catch (failure) {
        failures.push(failure)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
