/** One command in a sandbox: started, listened to, and ended as a whole. */
import { Socket } from 'node:net'
import { isRuntimeError, RuntimeError } from '../base/errors.ts'
import type { Degradation } from '../base/issue.ts'
import type { HeldLimit } from '../container/hold/amounts.ts'
import { type Isolated, type IsolateOptions, isolate, type Outcome } from '../container/isolate.ts'
import type { Level } from '../host/level.ts'
import type { Ended } from '../kernel/children.ts'
import { signalNumber } from '../kernel/constants.ts'
import type { Plan } from '../kernel/plan.ts'
import type { SandboxedProcess } from './call.ts'
import { Watch } from './denials/watch.ts'
import type { Connection } from './egress/connector.ts'
import { inSandboxWords } from './failure.ts'
import type { KeptGroups } from './groups.ts'
import { readLines } from './input-output.ts'
import { onAbort } from './on-abort.ts'
import { plantedOf } from './protect.ts'
import { limitsOf } from './reached.ts'
import { makeResult, SandboxError, type SandboxResult } from './result.ts'
import { type StartOptions, wish } from './start-options.ts'

/** As of a write: whoever feeds it hears that it reads no more. */
const notRead = (): Error => Object.assign(new Error('the command has ended'), { code: 'EPIPE' })

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
  #watching: Watch | undefined
  #connection: Connection | undefined
  #held: readonly HeldLimit[] | undefined
  #timedOut = false
  #isCanceled = false
  #isForcefullyTerminated = false
  #cause: unknown
  #force: NodeJS.Timeout | undefined

  /** @throws SandboxError when it is canceled already, or cannot be started */
  constructor(plan: Plan, options: StartOptions) {
    this.#options = options
    this.#plan = plan
    this.#isolated = this.#begin()
    const [stdin = -1, stdout = -1, stderr = -1] = this.#isolated.pipes
    this.stdin = stdin < 0 ? undefined : new Socket({ fd: stdin, readable: false, writable: true })
    this.stdout = stdout < 0 ? undefined : new Socket({ fd: stdout, readable: true, writable: false })
    this.stderr = stderr < 0 ? undefined : new Socket({ fd: stderr, readable: true, writable: false })
    this.stdin?.on('error', () => {}) // EPIPE: the command need not read
    this.exited = this.#watch()
    this.exited.catch(() => {}) // whoever awaits it hears of it; nobody has to
  }

  #begin(): Isolated {
    const { ending, stdio, begin, host, watch } = this.#options
    try {
      this.#isCanceled = ending.cancelSignal?.aborted ?? false
      ending.cancelSignal?.throwIfAborted()
      const fds = stdio.map(wish)
      this.#watching = watch && new Watch(watch)
      return begin?.(fds) ?? isolate(this.#plan, fds, host, this.#wishes())
    } catch (error) {
      this.#watching?.abandon()
      this.#cause = isRuntimeError(error) ? inSandboxWords(error, this.#plan) : error
      throw new SandboxError(this.#result(undefined))
    } finally {
      this.#watching?.release()
    }
  }

  #wishes(): IsolateOptions {
    const { network, signals, hold, channels = [], onStuck } = this.#options
    return {
      behind: [...channels, ...(this.#watching ? [this.#watching.channel] : [])],
      onStuck,
      hold: hold?.(),
      ...(signals ? { signals } : {}),
      ...(network
        ? {
            receive: async (handed, note, first) => {
              this.degradations.push(...network.weaknesses(note))
              this.#connection = await network.open(handed, first, this.#watching?.hearNetwork)
            },
          }
        : {}),
    }
  }

  get level(): Level {
    return this.#options.level
  }

  get groups(): KeptGroups {
    return this.#options.groups
  }

  kill(signal: string | number = this.#options.ending.killSignal): void {
    const number = typeof signal === 'number' ? signal : signalNumber(signal)
    if (number === undefined) throw new RuntimeError('signal-unknown', { what: `unknown signal "${signal}"` })
    this.#isolated.signal(number)
    if (number === this.#options.ending.killSignal) this.#forceLater()
  }

  /** Hands a signal to the process group of the command: what a terminal does for Ctrl-C. */
  signalGroup(signal: number): void {
    this.#isolated.signalGroup(signal)
  }

  /** Ends it because of an error that is not its own. */
  fail(cause: unknown): void {
    this.#cause ??= cause
    this.#isolated.kill()
  }

  lines(from: 'stdout' | 'stderr' = 'stdout'): AsyncIterable<string> {
    return readLines(this[from])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isolated.kill()
    await this.exited.catch(() => {})
    // What nobody has begun to read would keep its descriptor for good.
    for (const stream of [this.stdout, this.stderr]) if (stream?.readableFlowing === null) stream.destroy()
  }

  /** Settles when it has no stream open any more. */
  async released(): Promise<void> {
    const open = [this.stdout, this.stderr].filter((stream) => stream && !stream.closed)
    await Promise.all(open.map((stream) => new Promise((done) => stream?.once('close', done))))
  }

  async #watch(): Promise<SandboxResult> {
    const { timeout, cancelSignal } = this.#options.ending
    const timer = timeout === undefined ? undefined : setTimeout(() => this.#expire(), timeout)
    const deafen = onAbort(cancelSignal, () => this.#cancel())
    let outcome: Outcome
    // What is watched and is not, ends: from now on every such call of it would fail.
    void this.#watching?.whole().then((isWhole) => isWhole || this.#isolated.kill())
    try {
      outcome = await this.#isolated.outcome
    } finally {
      clearTimeout(timer)
      clearTimeout(this.#force)
      this.#connection?.close()
      this.stdin?.destroy(notRead())
      deafen()
      const troubles = this.#options.onEnd?.() ?? []
      this.degradations.push(...troubles.map((message) => ({ pointer: 'layer', message })))
    }
    this.#held = outcome.limits
    if ('ended' in outcome) return await this.#whole(outcome.ended)
    if (this.#timedOut || this.#isCanceled) return this.#result({ exitCode: undefined, signal: 9 })
    this.#cause = inSandboxWords(outcome.failure, this.#plan)
    throw new SandboxError(this.#result(undefined))
  }

  /** With all that it was denied. @throws SandboxError when not all of it is known */
  async #whole(ended: Ended): Promise<SandboxResult> {
    try {
      await this.#watching?.finish()
    } catch (error) {
      this.#cause = error
      throw new SandboxError(this.#result(undefined))
    }
    return this.#result(ended)
  }

  #result(ended: Ended | undefined): SandboxResult {
    const { argv, level, groups, unprotected } = this.#options
    return makeResult(ended, {
      argv,
      level,
      groups,
      timedOut: this.#timedOut,
      isCanceled: this.#isCanceled,
      isForcefullyTerminated: this.#isForcefullyTerminated,
      cause: this.#cause,
      durationMs: performance.now() - this.#started,
      planted: ended === undefined ? [] : plantedOf(unprotected),
      degradations: this.degradations,
      denials: this.#watching?.denials,
      ...limitsOf(this.#held, this.#options.limits),
    })
  }

  #expire(): void {
    this.#timedOut = true
    this.#stop()
  }

  #cancel(): void {
    this.#isCanceled = true
    this.#cause ??= this.#options.ending.cancelSignal?.reason
    this.#stop()
  }

  #stop(): void {
    const { killSignal, forceKillAfterDelay } = this.#options.ending
    if (forceKillAfterDelay === 0) this.#isolated.kill()
    else this.kill(killSignal)
  }

  #forceLater(): void {
    const { forceKillAfterDelay: delay } = this.#options.ending
    if (delay === undefined) return
    this.#force ??= setTimeout(() => {
      this.#isForcefullyTerminated = true
      this.#isolated.kill()
    }, delay)
  }
}
