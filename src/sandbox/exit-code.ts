import type { RuntimeError } from '../base/errors.ts'

/** Shells' numbers for a command that never ran: 127 not found, 126 not executable, 125 the sandbox itself. */
export function exitCodeOf({ code }: RuntimeError): number {
  if (code === 'exec-not-found' || code === 'exec-interpreter') return 127
  return code === 'exec-denied' || code === 'exec-failed' ? 126 : 125
}
