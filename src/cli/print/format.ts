/** `--format`, as runc has it, and `--json`, as all of our verbs have it. */
import { RuntimeError } from '../../base/errors.ts'
import type { Flag } from '../flags.ts'

export const formatFlags = [
  { name: 'format', short: 'f', kind: 'text', value: 'FORMAT', help: 'table or json (table)' },
  { name: 'json', kind: 'boolean', help: 'the same as --format json' },
] as const satisfies readonly Flag[]

/** Throws `usage` in the words that runc has for it. */
export function readFormat({ format, json }: { format: string | undefined; json: boolean }): 'table' | 'json' {
  if (format === undefined || format === 'table') return json ? 'json' : 'table'
  if (format === 'json') return 'json'
  throw new RuntimeError('usage', { what: 'invalid format option', fix: '--format table or --format json' })
}
