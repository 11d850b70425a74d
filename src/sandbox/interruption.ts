/** What ends one script of a shell before its time, and what is told of the script then. */
import { signalNumber } from '../kernel/constants.ts'
import type { Command } from './command.ts'
import { checkEnding, type Ending, type EndingOptions } from './ending.ts'
import { onAbort } from './on-abort.ts'
import { makeResult, type SandboxResult } from './result.ts'

const SIGINT = 2
/** Until a shell is asked again that has not answered. */
export const AGAIN_MS = 200

export class Interruption {
  readonly #command: Command
  readonly #ending: Ending
  readonly #began = performance.now()
  readonly #timer: NodeJS.Timeout | undefined
  #force: NodeJS.Timeout | undefined
  #mayCome = false
  #isDue = false
  #timedOut = false
  #isForced = false
  readonly #hit: () => void
  #again: NodeJS.Timeout | undefined
  readonly #deafen: () => void

  /** The time counts from here. `hit` hears that it has come, again and again until `answered`. @throws RuntimeError `sandbox-option` */
  constructor(command: Command, options: EndingOptions, hit: () => void) {
    this.#command = command
    this.#hit = hit
    this.#ending = checkEnding(options, { timeout: undefined, grace: undefined })
    const { timeout, cancelSignal } = this.#ending
    this.#deafen = onAbort(cancelSignal, this.#come)
    if (timeout !== undefined)
      this.#timer = setTimeout(() => {
        this.#timedOut = !this.isCanceled
        this.#come()
      }, timeout)
  }

  get isCanceled(): boolean {
    return !this.#timedOut && (this.#ending.cancelSignal?.aborted ?? false)
  }

  get hasHit(): boolean {
    return this.#mayCome && this.#isDue
  }

  /** The script has begun. Before, a signal would hit the shell that reads it. */
  mayCome(): void {
    this.#mayCome = true
    if (this.#isDue) this.#interrupt()
  }

  readonly #come = (): void => {
    if (this.#isDue) return
    this.#isDue = true
    const { forceKillAfterDelay: delay } = this.#ending
    if (delay !== undefined)
      this.#force = setTimeout(() => {
        this.#isForced = true
        this.#command.kill('SIGKILL')
      }, delay)
    if (this.#mayCome) this.#interrupt()
  }

  #interrupt(): void {
    this.#command.signalGroup(SIGINT)
    this.#hit()
    this.#again = setInterval(this.#hit, AGAIN_MS)
  }

  answered(): void {
    clearInterval(this.#again)
  }

  /** `ended` is undefined for a script that never began. */
  told(script: string, ended?: { exitCode: number | undefined; signal?: string | undefined }): SandboxResult {
    const signal = ended?.signal === undefined ? undefined : signalNumber(ended.signal)
    return makeResult(ended && { exitCode: ended.exitCode, signal }, {
      argv: [script],
      level: this.#command.level,
      groups: this.#command.groups,
      timedOut: this.#timedOut,
      isCanceled: this.isCanceled,
      isForcefullyTerminated: this.#isForced,
      cause: this.isCanceled ? this.#ending.cancelSignal?.reason : undefined,
      durationMs: performance.now() - this.#began,
      planted: [],
      degradations: [],
      limits: [],
      limit: undefined,
    })
  }

  end(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#force)
    clearInterval(this.#again)
    this.#deafen()
  }
}
