/** One command in a sandbox: started, listened to, and ended as a whole. */
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { RuntimeError } from '../base/errors.ts'
import type { Degradation } from '../base/issue.ts'
import {
  FD_NULL,
  FD_PIPE_IN,
  FD_PIPE_OUT,
  type Isolated,
  type IsolateOptions,
  isolate,
  type Outcome,
} from '../container/isolate.ts'
import type { Host } from '../host/facts.ts'
import type { Level } from '../host/level.ts'
import { signalNumber } from '../kernel/constants.ts'
import type { Plan } from '../kernel/plan.ts'
import type { Connection, Connector } from './egress/connector.ts'
import { inSandboxWords } from './failure.ts'
import { plantedOf } from './protect.ts'
import { makeResult, type SandboxResult } from './result.ts'

/** `pipe` gives a stream, `inherit` the caller's own descriptor, `ignore` /dev/null, a number that descriptor. */
export type Stdio = 'pipe' | 'inherit' | 'ignore' | number

export interface StartOptions {
  readonly argv: readonly string[]
  readonly stdio: readonly [Stdio, Stdio, Stdio]
  readonly host: Host
  readonly level: Level
  /** Dangerous paths that do not exist on the host. */
  readonly unprotected: readonly string[]
  /** What connects the network namespace of the command. */
  readonly network?: Connector | undefined
  /** For a command at the terminal: signals to us are its own. */
  readonly signals?: IsolateOptions['signals'] | undefined
  /** Milliseconds. */
  readonly timeout: number | undefined
  readonly cancelSignal: AbortSignal | undefined
  /** Begins it in a sandbox that waits; undefined when there is none. */
  readonly begin?: ((fds: readonly number[]) => Isolated | undefined) | undefined
  /** Called when the whole tree is dead, before `exited` settles. Must not throw. */
  readonly onEnd?: () => void
}

export interface SandboxedProcess extends AsyncDisposable {
  readonly stdin: Writable | undefined
  readonly stdout: Readable | undefined
  readonly stderr: Readable | undefined
  /** Settles when the whole tree is dead; rejects with a RuntimeError when the command could never run. */
  readonly exited: Promise<SandboxResult>
  /** Hands a signal to the command, `SIGTERM` by default. `SIGKILL` ends the whole tree. */
  kill(signal?: string | number): void
}

function wish(stdio: Stdio, fd: number): number {
  if (typeof stdio === 'number') return stdio
  if (stdio === 'inherit') return fd
  return stdio === 'ignore' ? FD_NULL : fd === 0 ? FD_PIPE_IN : FD_PIPE_OUT
}

export class Command implements SandboxedProcess {
  readonly stdin: Socket | undefined
  readonly stdout: Socket | undefined
  readonly stderr: Socket | undefined
  readonly exited: Promise<SandboxResult>
  readonly #isolated: Isolated
  readonly #options: StartOptions
  readonly #plan: Plan
  readonly #started = performance.now()
  /** What is had in a weaker form, as it turned out when the command started. */
  readonly degradations: Degradation[] = []
  #connection: Connection | undefined
  #timedOut = false
  #isCanceled = false

  constructor(plan: Plan, options: StartOptions) {
    options.cancelSignal?.throwIfAborted()
    this.#options = options
    this.#plan = plan
    const fds = options.stdio.map(wish)
    this.#isolated = options.begin?.(fds) ?? isolate(plan, fds, options.host, this.#wishes(options))
    const [stdin = -1, stdout = -1, stderr = -1] = this.#isolated.pipes
    this.stdin = stdin < 0 ? undefined : new Socket({ fd: stdin, readable: false, writable: true })
    this.stdout = stdout < 0 ? undefined : new Socket({ fd: stdout, readable: true, writable: false })
    this.stderr = stderr < 0 ? undefined : new Socket({ fd: stderr, readable: true, writable: false })
    this.stdin?.on('error', () => {}) // EPIPE: the command need not read
    this.exited = this.#watch()
    this.exited.catch(() => {}) // whoever awaits it hears of it; nobody has to
  }

  #wishes({ network, signals }: StartOptions): IsolateOptions {
    return {
      ...(signals ? { signals } : {}),
      ...(network
        ? {
            receive: async (handed, note, first) => {
              this.degradations.push(...network.weaknesses(note))
              this.#connection = await network.open(handed, first)
            },
          }
        : {}),
    }
  }

  kill(signal: string | number = 'SIGTERM'): void {
    const number = typeof signal === 'number' ? signal : signalNumber(signal)
    if (number === undefined) throw new RuntimeError('signal-unknown', { what: `unknown signal "${signal}"` })
    this.#isolated.signal(number)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isolated.kill()
    await this.exited.catch(() => {})
  }

  async #watch(): Promise<SandboxResult> {
    const { timeout, cancelSignal, argv, level } = this.#options
    const timer = timeout === undefined ? undefined : setTimeout(() => this.#expire(), timeout)
    const cancel = () => this.#cancel()
    cancelSignal?.addEventListener('abort', cancel)
    let outcome: Outcome
    try {
      outcome = await this.#isolated.outcome
    } finally {
      clearTimeout(timer)
      this.#connection?.close()
      cancelSignal?.removeEventListener('abort', cancel)
      this.#options.onEnd?.()
    }
    if ('failure' in outcome && !this.#timedOut && !this.#isCanceled) throw inSandboxWords(outcome.failure, this.#plan)
    const ended = 'ended' in outcome ? outcome.ended : { exitCode: undefined, signal: 9 }
    const { timedOut, isCanceled } = { timedOut: this.#timedOut, isCanceled: this.#isCanceled }
    const planted = plantedOf(this.#options.unprotected)
    const durationMs = performance.now() - this.#started
    const texts = { stdout: '', stderr: '' }
    const result = makeResult(ended, { argv, ...texts, timedOut, isCanceled, durationMs, level, planted })
    return { ...result, degradations: this.degradations }
  }

  #expire(): void {
    this.#timedOut = true
    this.#isolated.kill()
  }

  #cancel(): void {
    this.#isCanceled = true
    this.#isolated.kill()
  }
}
