/** `--format` of list and ps. */
import { RuntimeError } from '../../base/errors.ts'

/** Throws `usage` in the words that runc has for it. */
export function readFormat(text: string | undefined): 'table' | 'json' {
  if (text === undefined || text === 'table') return 'table'
  if (text === 'json') return 'json'
  throw new RuntimeError('usage', { what: 'invalid format option', fix: '--format table or --format json' })
}
