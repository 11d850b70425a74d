/** Denials, each thing once with its count, the first first. Memory is bounded: beyond it they are counted by kind. */
import type { Denial } from './denial.ts'

/** As many as an observer remembers of all its kinds, and as many of a filtered network. */
const MOST_KEPT = 5 * 4096

export class DenialList {
  readonly #known = new Map<string, Denial>()

  add(denial: Denial): void {
    const { time: _, pid: __, command: ___, count, ...same } = denial
    const key = JSON.stringify(same)
    const known = this.#known.get(key)
    if (known === undefined) {
      if (this.#known.size < MOST_KEPT) this.#known.set(key, denial)
    } else this.#known.set(key, { ...known, count: count ?? (known.count ?? 1) + 1 })
  }

  get all(): readonly Denial[] {
    return [...this.#known.values()]
  }
}
