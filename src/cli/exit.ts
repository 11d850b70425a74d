/** From an error to the words and the exit status that callers expect. */
import { isRuntimeError, RuntimeError, strerror } from '../base/errors.ts'
import { exitCodeOf } from '../sandbox/exit-code.ts'

export interface Failure {
  /** One line. */
  readonly message: string
  /** Instead of it on a stderr that is a file or a pipe, where callers compare whole lines. */
  readonly bare?: string
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
  const status = verb === 'sandbox' || verb === 'try' || verb === 'learn' ? exitCodeOf(error) : error.exitStatus
  const told = verb === 'create' || verb === 'run' || verb === 'restore' ? `usnea ${verb} failed: ` : ''
  const message = oneLine(`${error.code === 'usage' ? '' : told}${error.message}`)
  return verb === 'run' && error.code === 'exec-interpreter'
    ? { message, bare: bareWords(error), status, stack }
    : { message, status, stack }
}

/** The kernel's answer to execve(2), which the program itself would have printed if it were a shell. */
function bareWords({ what, errno }: RuntimeError): string {
  return oneLine(`${what}: ${strerror(errno ?? 'ENOENT')}`)
}

function unforeseen(thrown: unknown): RuntimeError {
  const words = thrown instanceof Error ? thrown.message : String(thrown)
  return new RuntimeError('internal', { what: `internal error: ${words}`, cause: thrown })
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ')
}
