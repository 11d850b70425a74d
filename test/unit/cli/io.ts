/** An io that remembers what was written to it. */
import type { Io } from '../../../src/cli/io.ts'

export interface Recording {
  readonly io: Io
  readonly out: () => string
  readonly err: () => string
}

export interface RecordingOptions {
  readonly isTerminal?: boolean
  readonly cwd?: string
  readonly env?: Io['env']
  readonly crashed?: Promise<never>
}

export function recordIo(options: RecordingOptions = {}): Recording {
  const out: string[] = []
  const err: string[] = []
  const io: Io = {
    env: options.env ?? {},
    program: undefined,
    cwd: options.cwd ?? '/here',
    out: (text) => void out.push(text),
    stderr: { write: (text) => void err.push(text), isTerminal: options.isTerminal ?? false, colour: false },
    stderrFd: undefined,
    crashed: options.crashed ?? new Promise(() => {}),
  }
  return { io, out: () => out.join(''), err: () => err.join('') }
}
