/** What one check found. */
import { catalogue } from '../base/catalogue.ts'
import { type Code, type ErrorFacts, RuntimeError } from '../base/errors.ts'

export interface Finding {
  /** Stable name, also for `--require`. */
  readonly id: string
  readonly title: string
  /** `weak`: containers run, with less. `unknown`: it cannot be told from here. */
  readonly status: 'ok' | 'weak' | 'fail' | 'unknown'
  /** What was seen. */
  readonly what: string
  readonly why?: string
  readonly fix?: string
  /** A heading of docs/errors.md. */
  readonly code?: string
}

export type Subject = Pick<Finding, 'id' | 'title'>

export const ok = (id: string, title: string, what: string): Finding => ({ id, title, status: 'ok', what })

export const unknown = (id: string, title: string, because: string): Finding => ({
  id,
  title,
  status: 'unknown',
  what: `cannot be told from here: ${because}`,
})

/** A cause of the catalogue, with its stock words where no others are given. */
export function weak(
  { id, title }: Subject,
  code: Code,
  facts: Pick<ErrorFacts, 'what' | 'why' | 'fix'> = {},
): Finding {
  const { what, why, fix } = { ...catalogue[code], ...facts }
  return { id, title, status: 'weak', what, code, ...(why ? { why } : {}), ...(fix ? { fix } : {}) }
}

export function fromError(id: string, title: string, error: unknown, status: 'weak' | 'fail'): Finding {
  if (!(error instanceof RuntimeError))
    return { id, title, status, what: error instanceof Error ? error.message : String(error) }
  const { what, why, fix, code, errno, details } = error
  const said = details.length > 0 ? `${what}: ${details.join('; ')}` : what
  return {
    id,
    title,
    status,
    what: errno ? `${said}: ${errno}` : said,
    code,
    ...(why ? { why } : {}),
    ...(fix ? { fix } : {}),
  }
}
