/** What a command in a sandbox came to. Named and shaped like execa's results and errors. */

import type { Degradation } from '../base/issue.ts'
import type { Level } from '../host/level.ts'
import type { Ended } from '../kernel/children.ts'
import { signalName } from '../kernel/constants.ts'

export interface SandboxResult {
  /** What the command had in a weaker form than the plan says, as it turned out when it started. */
  readonly degradations: readonly Degradation[]
  readonly argv: readonly string[]
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined
  /** Such as `SIGKILL`; undefined when it ended by itself. */
  readonly signal: string | undefined
  /** What it wrote, without the final newline; empty where it was not captured. */
  readonly stdout: string
  readonly stderr: string
  readonly timedOut: boolean
  readonly isCanceled: boolean
  /** Was output dropped because it passed `maxBuffer`? */
  readonly isMaxBuffer: boolean
  readonly failed: boolean
  readonly durationMs: number
  /** The isolation that it had. */
  readonly level: Level
  /** Dangerous files that were not there before (`.git/hooks`, `.vscode`, …): on the host, to be looked at. */
  readonly planted: readonly string[]
}

export class SandboxError extends Error implements SandboxResult {
  declare readonly degradations: readonly Degradation[]
  declare readonly argv: readonly string[]
  declare readonly exitCode: number | undefined
  declare readonly signal: string | undefined
  declare readonly stdout: string
  declare readonly stderr: string
  declare readonly timedOut: boolean
  declare readonly isCanceled: boolean
  declare readonly isMaxBuffer: boolean
  declare readonly failed: boolean
  declare readonly durationMs: number
  declare readonly level: Level
  declare readonly planted: readonly string[]
  /** What happened, without the output. */
  readonly shortMessage: string

  constructor(result: SandboxResult) {
    const short = describe(result)
    super([short, result.stderr, result.stdout].filter((part) => part !== '').join('\n'))
    Object.assign(this, result)
    this.shortMessage = short
    this.name = 'SandboxError'
  }
}

function describe({ argv, exitCode, signal, timedOut, isCanceled, durationMs }: SandboxResult): string {
  const command = argv.join(' ')
  if (timedOut) return `Command timed out after ${Math.round(durationMs)} milliseconds: ${command}`
  if (isCanceled) return `Command was canceled: ${command}`
  if (signal !== undefined) return `Command was killed with ${signal}: ${command}`
  return `Command failed with exit code ${exitCode}: ${command}`
}

export interface Circumstances {
  readonly argv: readonly string[]
  readonly stdout: string
  readonly stderr: string
  readonly timedOut: boolean
  readonly isCanceled: boolean
  readonly durationMs: number
  readonly level: Level
  readonly planted: readonly string[]
}

export function makeResult({ exitCode, signal }: Ended, circumstances: Circumstances): SandboxResult {
  const failed = exitCode !== 0 || circumstances.timedOut || circumstances.isCanceled
  return {
    ...circumstances,
    isMaxBuffer: false,
    degradations: [],
    exitCode,
    signal: signal === undefined ? undefined : signalName(signal),
    failed,
  }
}
