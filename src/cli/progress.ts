/** One line that says how far something is, on a terminal only, and only once it has taken a second. */
import type { Stderr } from '../base/log.ts'

export interface Progress {
  show(state: string): void
  /** Takes the line away. */
  end(): void
}

const PATIENCE_MS = 1000
const EVERY_MS = 100
const CLEAR_LINE = '\r\u001b[K'

export function openProgress(what: string, stderr: Stderr, now: () => number = () => performance.now()): Progress {
  const began = now()
  let shown = Number.NEGATIVE_INFINITY
  return {
    show(state) {
      const time = now()
      if (!stderr.isTerminal || time - began < PATIENCE_MS || time - shown < EVERY_MS) return
      shown = time
      stderr.write(`${CLEAR_LINE}usnea: ${what}: ${state}`)
    },
    end() {
      if (shown > 0) stderr.write(CLEAR_LINE)
    },
  }
}
