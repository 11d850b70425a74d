/** From an error to the words and the exit status that callers expect. */
import { isRuntimeError, RuntimeError } from '../base/errors.ts'
import { exitCodeOf } from '../sandbox/exit-code.ts'

export interface Failure {
  /** One line. */
  readonly message: string
  readonly status: number
  /** Where an exception came from that nobody foresaw; shown with --debug only. */
  readonly stack: string | undefined
}

export function describeFailure(thrown: unknown, verb: string | undefined): Failure {
  const error = isRuntimeError(thrown) ? thrown : unforeseen(thrown)
  const stack = error === thrown || !(thrown instanceof Error) ? undefined : thrown.stack
  // 255 says that exec itself failed; a mistake in its options is one like any other.
  if (verb === 'exec' && error.code !== 'usage') {
    return { message: oneLine(`exec failed: ${error.message}`), status: 255, stack }
  }
  const status = verb === 'sandbox' ? exitCodeOf(error) : error.exitCode
  return { message: oneLine(error.message), status, stack }
}

function unforeseen(thrown: unknown): RuntimeError {
  const words = thrown instanceof Error ? thrown.message : String(thrown)
  return new RuntimeError('internal', { what: `internal error: ${words}`, cause: thrown })
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ')
}
