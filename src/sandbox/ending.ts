/** How a command is ended before its time: asked first, and killed with its whole tree when it does not listen. */
import { signalNumber } from '../kernel/constants.ts'
import { checkTimeout, wrong } from './option-values.ts'
import type { CheckedOptions } from './options.ts'

export interface EndingOptions {
  /** Milliseconds after which the command is ended. Default: the sandbox's own. */
  readonly timeout?: number
  /** Aborting it ends the command. Default: none. */
  readonly cancelSignal?: AbortSignal
  /** What a time-out, an abort and `kill()` send first, by name or number. Default `SIGTERM`. */
  readonly killSignal?: string | number
  /**
   * Milliseconds until the whole tree is killed when the command goes on behind `killSignal`; `false`: it may take its
   * time, `true`: the default. Default: the sandbox's `grace`, else 5000.
   */
  readonly forceKillAfterDelay?: number | boolean
}

export interface Ending {
  readonly timeout: number | undefined
  readonly cancelSignal: AbortSignal | undefined
  readonly killSignal: number
  /** Milliseconds; undefined: never. */
  readonly forceKillAfterDelay: number | undefined
}

const PATIENCE_MS = 5000

/** @throws RuntimeError `sandbox-option` */
export function checkEnding(options: EndingOptions, own: Pick<CheckedOptions, 'timeout' | 'grace'>): Ending {
  const { cancelSignal, killSignal = 'SIGTERM', forceKillAfterDelay = own.grace ?? true } = options
  const number = typeof killSignal === 'string' ? signalNumber(killSignal) : killSignal
  if (number === undefined || !(Number.isInteger(number) && number >= 1 && number <= LAST_SIGNAL))
    throw wrong('killSignal', `${JSON.stringify(killSignal)} is no signal`)
  return {
    timeout: checkTimeout(options.timeout) ?? own.timeout,
    cancelSignal,
    killSignal: number,
    forceKillAfterDelay: checkDelay(forceKillAfterDelay),
  }
}

const LAST_SIGNAL = 64

function checkDelay(delay: number | boolean): number | undefined {
  if (delay === false) return undefined
  if (delay === true) return PATIENCE_MS
  if (delay === 0) return 0
  try {
    return checkTimeout(delay)
  } catch {
    throw wrong('forceKillAfterDelay', `${delay} is no time in milliseconds`)
  }
}
