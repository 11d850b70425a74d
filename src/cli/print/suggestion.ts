/** What would open what was denied: remarks, and then a diff that patch(1) takes, or options. Pure. */
import { basename, dirname } from 'node:path'
import { withoutSteering } from '../../sandbox/denials/denial.ts'
import type { Grant } from '../../sandbox/denials/grant.ts'
import { flagOf, withGrants, wordOf } from '../../sandbox/denials/policy-text.ts'
import type { Suggestion } from '../../sandbox/denials/suggest.ts'
import { describeDenial } from '../../sandbox/denials/summary.ts'
import { compareText } from '../../sandbox/layers/text-diff.ts'

interface Wanted {
  /** The policy, and what stands there. */
  readonly file: string
  readonly before: string
  readonly home: string | undefined
  readonly flags: boolean
  readonly dangerous: boolean
}

/** More of what nothing opens is counted. */
const MOST_REMARKS = 20

export function printSuggestion({ safe, dangerous, closed }: Suggestion, wanted: Wanted): string {
  const { file, before, home } = wanted
  const places = { directory: dirname(file), home }
  const grants = wanted.dangerous ? [...safe, ...dangerous.map(({ grant }) => grant)] : safe
  const verb = wanted.dangerous ? 'dangerous' : 'left out, dangerous'
  const remarks = [
    ...dangerous.map(({ grant, why }) => `${verb}: ${grant.rule} ${wordOf(grant, places)}: ${why}`),
    ...cut(closed.map((denial) => `nothing opens: ${describeDenial(denial)}`)),
    ...(grants.length === 0 ? ['there is nothing to suggest'] : []),
  ]
  const head = remarks.map((line) => `# ${withoutSteering(line)}\n`).join('')
  if (grants.length === 0) return head
  if (wanted.flags) return head + grants.map((grant) => `${withoutSteering(flagOf(grant))}\n`).join('')
  const name = basename(file)
  const hunks = compareText(before, withGrants(before, grants, places)) ?? ''
  return `${head}--- ${before === '' ? '/dev/null' : name}\n+++ ${name}\n${hunks}`
}

/** All of it, whatever is asked for otherwise. */
export function printSuggestionJson({ safe, dangerous, closed }: Suggestion): string {
  const ruleOf = ({ rule, value }: Grant) => ({ rule, value })
  return `${JSON.stringify({
    schemaVersion: 1,
    safe: safe.map(ruleOf),
    dangerous: dangerous.map(({ grant, why }) => ({ ...ruleOf(grant), why })),
    closed,
  })}\n`
}

const cut = (lines: readonly string[]): string[] =>
  lines.length > MOST_REMARKS
    ? [...lines.slice(0, MOST_REMARKS), `nothing opens: ${lines.length - MOST_REMARKS} more`]
    : [...lines]
