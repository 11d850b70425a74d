/** From an error to the words and the exit status that callers expect (reference: docs/cli.md). */
import { isRuntimeError, RuntimeError } from '../base/errors.ts'

export interface Failure {
  /** One line. */
  readonly message: string
  readonly status: number
  /** Where an exception came from that nobody foresaw; shown with --debug only. */
  readonly stack: string | undefined
}

export function describeFailure(thrown: unknown, verb: string | undefined): Failure {
  const error = isRuntimeError(thrown) ? thrown : unforeseen(thrown)
  const isUsage = error.code === 'usage' || error.code === 'not-supported-yet'
  const message = oneLine(verb === 'exec' && !isUsage ? `exec failed: ${error.message}` : error.message)
  const stack = error === thrown || !(thrown instanceof Error) ? undefined : thrown.stack
  return { message, status: exitStatus(error, { verb, isUsage }), stack }
}

function exitStatus(error: RuntimeError, { verb, isUsage }: { verb: string | undefined; isUsage: boolean }): number {
  // env(1) and timeout(1) agree on these, so that a failure of ours is no status of the command.
  if (verb === 'sandbox') return sandboxStatuses[error.code] ?? 125
  if (verb === 'exec' && !isUsage) return 255
  return error.exitCode
}

const sandboxStatuses: Readonly<Partial<Record<RuntimeError['code'], number>>> = {
  'exec-not-found': 127,
  'exec-denied': 126,
  'exec-failed': 126,
}

function unforeseen(thrown: unknown): RuntimeError {
  const words = thrown instanceof Error ? thrown.message : String(thrown)
  return new RuntimeError('internal', { what: `internal error: ${words}`, cause: thrown })
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ')
}
