/** A command that never ran: the runtime's words are about images and config.json, and here there is neither. */
import type { RuntimeError } from '../base/errors.ts'
import type { Plan } from '../kernel/plan.ts'
import { ACCEPT_L } from './level.ts'

export function inSandboxWords(error: RuntimeError, plan: Plan): RuntimeError {
  const fix = fixes[error.code]?.(hiddenPlaces(plan))
  if (fix !== undefined) return error.withFix(fix)
  return needNamespaces.test(error.code) ? error.withFix([error.fix, ACCEPT_L].join('; ')) : error
}

/** Without user namespaces nothing is lost yet. */
const needNamespaces = /^(userns|namespace)-/

const fixes: Readonly<Record<string, (hidden: string) => string>> = {
  // A program that is there, but not in the view: its absence looks like a mistake of ours.
  'exec-not-found': (hidden) =>
    `check the name and PATH; programs under ${hidden} are hidden, and --ro PATH (ro: [PATH]) lets one through`,
  'exec-interpreter': (hidden) =>
    `check what its first line names; programs under ${hidden} are hidden, and --ro PATH (ro: [PATH]) lets one through`,
  'exec-denied': () => 'chmod +x the program, or name one that may be executed',
  'cwd-missing': (hidden) =>
    `choose a directory that can be seen inside: what is under ${hidden} is hidden, and --ro or --rw lets it through`,
}

function hiddenPlaces(plan: Plan): string {
  if (plan.ops.some(({ op }) => op === 'reapTree')) return '/tmp, /var/tmp, /run and the home'
  const targets = plan.ops.flatMap((op) =>
    op.op === 'mount' && op.fstype === 'tmpfs' && !op.target.startsWith('/dev') ? [op.target] : [],
  )
  return targets.join(', ')
}
