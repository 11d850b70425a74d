/** What one check found. */
import { RuntimeError } from '../base/errors.ts'

export interface Finding {
  /** Stable name, also for `--require`. */
  readonly id: string
  readonly title: string
  /** `weak`: containers run, with less. */
  readonly status: 'ok' | 'weak' | 'fail'
  /** What was seen. */
  readonly what: string
  readonly why?: string
  readonly fix?: string
  readonly code?: string
}

export const ok = (id: string, title: string, what: string): Finding => ({ id, title, status: 'ok', what })

export function fromError(id: string, title: string, error: unknown, status: 'weak' | 'fail'): Finding {
  if (!(error instanceof RuntimeError))
    return { id, title, status, what: error instanceof Error ? error.message : String(error) }
  const { what, why, fix, code, errno } = error
  return {
    id,
    title,
    status,
    what: errno ? `${what}: ${errno}` : what,
    code,
    ...(why ? { why } : {}),
    ...(fix ? { fix } : {}),
  }
}
