/** What a command in a sandbox came to. Named and shaped like execa's: an error is a result, with a cause. */
import { type Code, RuntimeError } from '../base/errors.ts'
import type { Degradation } from '../base/issue.ts'
import type { HeldLimit, LimitName } from '../container/hold/amounts.ts'
import type { Level } from '../host/level.ts'
import type { Ended } from '../kernel/children.ts'
import { signalName } from '../kernel/constants.ts'
import type { Denial } from './denials/shape.ts'
import type { KeptGroups } from './groups.ts'

export interface SandboxResult<Output = string> {
  /** What the command had in a weaker form than the plan says, as it turned out when it started. */
  readonly degradations: readonly Degradation[]
  readonly argv: readonly string[]
  /** Undefined when a signal ended it, or when it never ran. */
  readonly exitCode: number | undefined
  /** Such as `SIGKILL`; undefined when it ended by itself. */
  readonly signal: string | undefined
  /** What it wrote, without the final newline; empty where it was not captured. */
  readonly stdout: Output
  readonly stderr: Output
  readonly timedOut: boolean
  readonly isCanceled: boolean
  /** Was it killed because it did not end within `forceKillAfterDelay`? */
  readonly isForcefullyTerminated: boolean
  /** Was output dropped because it passed `maxBuffer`? */
  readonly isMaxBuffer: boolean
  readonly failed: boolean
  /** Why it failed: `command-failed`, `command-timed-out`, …, or why it could not be run, such as `exec-not-found`. */
  readonly code?: Code
  /** What made it fail, where that was an error: of the set-up, of its input, or the reason of the abort. */
  readonly cause?: unknown
  readonly durationMs: number
  /** The isolation that it had. */
  readonly level: Level
  /** The supplementary groups that it had, and how it lost the others. */
  readonly groups: KeptGroups
  /** What held its limits, and how often they were reached. */
  readonly limits: readonly HeldLimit[]
  /** The limit because of which processes were ended. */
  readonly limit: LimitName | undefined
  /** Dangerous files that were not there before (`.git/hooks`, `.vscode`, …): on the host, to be looked at. */
  readonly planted: readonly string[]
  /** What it was denied, the first first, with the option `denials`; else undefined, for nobody looked. */
  readonly denials?: readonly Denial[]
}

type Text = string | Uint8Array

/** A command that failed, or that could not be run: its result, and in `message` what it said. */
export class SandboxError<Output extends Text = string> extends RuntimeError implements SandboxResult<Output> {
  declare readonly degradations: readonly Degradation[]
  declare readonly argv: readonly string[]
  declare readonly exitCode: number | undefined
  declare readonly signal: string | undefined
  declare readonly stdout: Output
  declare readonly stderr: Output
  declare readonly timedOut: boolean
  declare readonly isCanceled: boolean
  declare readonly isForcefullyTerminated: boolean
  declare readonly isMaxBuffer: boolean
  declare readonly failed: boolean
  declare readonly durationMs: number
  declare readonly level: Level
  declare readonly groups: KeptGroups
  declare readonly limits: readonly HeldLimit[]
  declare readonly limit: LimitName | undefined
  declare readonly planted: readonly string[]
  declare readonly denials?: readonly Denial[]
  /** What happened, without the output. */
  readonly shortMessage: string

  constructor({ cause, ...result }: SandboxResult<Output>) {
    const { code, facts } = causeOf(result, cause)
    super(code, facts)
    Object.assign(this, result, { code })
    this.name = 'SandboxError'
    this.shortMessage = this.message
    this.message = [this.message, ...[result.stderr, result.stdout].map(String_)]
      .filter((part) => part !== '')
      .join('\n')
  }
}

const String_ = (output: Text): string => (typeof output === 'string' ? output : Buffer.from(output).toString())

/** A command that never ran is told in the words of what was in its way. */
function causeOf(result: SandboxResult<Text>, cause: unknown) {
  if (cause instanceof RuntimeError && result.exitCode === undefined && result.signal === undefined) {
    const { code, what, why, errno, fix, origin, details } = cause
    const known = { ...(why && { why }), ...(errno && { errno }), ...(fix && { fix }), ...(origin && { origin }) }
    return { code, facts: { what, details, cause, ...known } }
  }
  const code = result.code ?? 'command-failed'
  return { code, facts: { what: describe(result), ...(cause === undefined ? {} : { cause }) } }
}

function describe({ argv, exitCode, signal, timedOut, isCanceled, durationMs, limit }: SandboxResult<Text>): string {
  const command = argv.join(' ')
  if (timedOut) return `Command timed out after ${Math.round(durationMs)} milliseconds: ${command}`
  if (isCanceled) return `Command was canceled: ${command}`
  if (limit !== undefined) return `Command reached its limit of ${limit}: ${command}`
  if (signal !== undefined) return `Command was killed with ${signal}: ${command}`
  if (exitCode === 0 || exitCode === undefined) return `Command failed: ${command}`
  return `Command failed with exit code ${exitCode}: ${command}`
}

export interface Circumstances {
  readonly argv: readonly string[]
  readonly timedOut: boolean
  readonly isCanceled: boolean
  readonly isForcefullyTerminated: boolean
  readonly cause: unknown
  readonly durationMs: number
  readonly level: Level
  readonly groups: KeptGroups
  readonly planted: readonly string[]
  readonly degradations: readonly Degradation[]
  readonly denials?: readonly Denial[] | undefined
  readonly limits: readonly HeldLimit[]
  readonly limit: LimitName | undefined
}

/** `ended` is undefined for a command that never ran. */
export function makeResult(
  ended: Ended | undefined,
  { cause, denials, ...circumstances }: Circumstances,
): SandboxResult {
  const { exitCode, signal } = ended ?? { exitCode: undefined, signal: undefined }
  const { timedOut, isCanceled } = circumstances
  const failed = exitCode !== 0 || timedOut || isCanceled || cause !== undefined
  return {
    ...circumstances,
    stdout: '',
    stderr: '',
    isMaxBuffer: false,
    exitCode,
    signal: signal === undefined ? undefined : signalName(signal),
    failed,
    ...(failed ? { code: codeOf({ timedOut, isCanceled, signal, cause: ended ? undefined : cause }) } : {}),
    ...(cause === undefined ? {} : { cause }),
    ...(denials === undefined ? {} : { denials }),
  }
}

/** What was in the way before anything was tried. */
export function neverRan(cause: RuntimeError, of: Pick<SandboxResult, 'argv' | 'level' | 'groups'>): SandboxError {
  const no = { timedOut: false, isCanceled: false, isForcefullyTerminated: false, limit: undefined }
  const none = { durationMs: 0, planted: [], degradations: [], limits: [] }
  return new SandboxError(makeResult(undefined, { ...no, ...none, ...of, cause }))
}

interface Reasons {
  readonly timedOut: boolean
  readonly isCanceled: boolean
  readonly signal: number | undefined
  readonly cause: unknown
}

function codeOf({ timedOut, isCanceled, signal, cause }: Reasons): Code {
  if (timedOut) return 'command-timed-out'
  if (isCanceled) return 'command-canceled'
  if (cause instanceof RuntimeError) return cause.code
  return signal === undefined ? 'command-failed' : 'command-killed'
}
