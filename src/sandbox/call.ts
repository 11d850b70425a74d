/** The words of one call of the library: what a command gets, and what is had of it while it runs. Option by option in docs/library.md. */
import type { Readable, Writable } from 'node:stream'
import type { EndingOptions } from './ending.ts'
import type { SandboxResult } from './result.ts'

/** `pipe` gives a stream, `inherit` the caller's own descriptor, `ignore` /dev/null, a number that descriptor. */
export type Stdio = 'pipe' | 'inherit' | 'ignore' | number

export interface SpawnOptions extends EndingOptions {
  /** One for all three, or one each for stdin, stdout, stderr. Default `pipe`. */
  readonly stdio?: Stdio | readonly [Stdio, Stdio, Stdio]
  /** On top of the sandbox's own environment; `undefined` removes a name. Default: nothing. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Working directory; a relative path counts from ours. Default: the sandbox's. */
  readonly cwd?: string
}

/** What a command reads: texts and bytes as they are, streams as fast as it takes them. */
export type Input = string | Uint8Array | Readable | ReadableStream | AsyncIterable<string | Uint8Array>

export interface RunOptions extends SpawnOptions {
  /** Given to the command as its stdin. Default: it is empty. */
  readonly input?: Input
  /** `false` resolves with the error of a failed command instead of rejecting. Default `true`. */
  readonly reject?: boolean
  /** Bytes kept of each of stdout and stderr; what is more is dropped and `isMaxBuffer` set. Default 100 million. */
  readonly maxBuffer?: number
  /** `buffer` gives bytes instead of text. Default `utf8`. */
  readonly encoding?: 'utf8' | 'buffer'
  /** Takes the last newline off a text. Default `true`. */
  readonly stripFinalNewline?: boolean
}

export interface SandboxedProcess extends AsyncDisposable {
  readonly stdin: Writable | undefined
  readonly stdout: Readable | undefined
  readonly stderr: Readable | undefined
  /** Settles when the whole tree is dead, also for a command that failed; rejects with a SandboxError when it never ran. */
  readonly exited: Promise<SandboxResult>
  /**
   * Hands a signal to the command, by default the `killSignal`, which is followed by `SIGKILL` after
   * `forceKillAfterDelay`. `SIGKILL` ends the whole tree.
   */
  kill(signal?: string | number): void
  /** What it writes, line by line and as fast as you take it, without the newlines. Of `stdout` by default. */
  lines(from?: 'stdout' | 'stderr'): AsyncIterable<string>
}

export interface ShellOptions extends Pick<SpawnOptions, 'env' | 'cwd' | 'cancelSignal'> {
  /** The shell: bash, or one like sh (dash, ash, ksh). Default: bash where the host has /bin/bash, else sh. */
  readonly program?: string
}

export type ShellRunOptions = Pick<
  RunOptions,
  'timeout' | 'cancelSignal' | 'forceKillAfterDelay' | 'reject' | 'maxBuffer' | 'stripFinalNewline'
>
