/** An io that remembers what was written to it. */
import type { Io } from '../../../src/cli/io.ts'

export interface Recording {
  readonly io: Io
  readonly out: () => string
  readonly err: () => string
}

export function recordIo(options: { isTerminal?: boolean; cwd?: string; env?: Io['env'] } = {}): Recording {
  const out: string[] = []
  const err: string[] = []
  const io: Io = {
    env: options.env ?? {},
    cwd: options.cwd ?? '/here',
    out: (text) => void out.push(text),
    stderr: { write: (text) => void err.push(text), isTerminal: options.isTerminal ?? false, colour: false },
    crashed: new Promise(() => {}),
  }
  return { io, out: () => out.join(''), err: () => err.join('') }
}
