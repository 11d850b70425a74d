/** Denials, each thing once with its count, the first first. Memory is bounded: beyond it they are counted by kind. */
import type { Denial } from './shape.ts'

/** As many as an observer remembers of all its kinds, and as many of a filtered network. */
const MOST_KEPT = 5 * 4096

export class DenialList {
  readonly #known = new Map<string, Denial>()
  /** By kind: the newest that found no room, and how many did not. */
  readonly #lost = new Map<string, { newest: Denial; count: number }>()

  add(denial: Denial): void {
    const { time: _, pid: __, command: ___, count, ...same } = denial
    const key = JSON.stringify(same)
    const known = this.#known.get(key)
    if (known !== undefined) this.#known.set(key, { ...known, count: count ?? (known.count ?? 1) + 1 })
    // What was lost elsewhere is a line a kind.
    else if (this.#known.size < MOST_KEPT || denial.kind === 'lost') this.#known.set(key, denial)
    // With a count it was told before, and counted then.
    else if (count === undefined) this.#lose(denial)
  }

  get all(): readonly Denial[] {
    const left = new Map(this.#lost)
    const kept = [...this.#known.values()].map((denial) => {
      const more = denial.kind === 'lost' ? left.get(denial.action) : undefined
      if (more === undefined) return denial
      left.delete(denial.action)
      return { ...denial, count: (denial.count ?? 0) + more.count }
    })
    const lost = [...left].map(([action, { newest, count }]): Denial => {
      return { time: newest.time, verdict: 'refused', kind: 'lost', action, rule: 'log', count }
    })
    return [...kept, ...lost]
  }

  #lose(denial: Denial): void {
    const count = (this.#lost.get(denial.kind)?.count ?? 0) + 1
    this.#lost.set(denial.kind, { newest: denial, count })
  }
}
