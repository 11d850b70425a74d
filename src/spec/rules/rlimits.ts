import { error, type Issue } from '../../base/issue.ts'
import { rlimitNames } from '../names.ts'
import { quote } from '../quote.ts'
import type { Process } from '../types.ts'
import { each, type Loose } from './loose.ts'

const known: ReadonlySet<string> = new Set(rlimitNames)

/** Unknown names, duplicates, and soft limits above the hard one (setrlimit(2): EINVAL). */
export function rlimitIssues(rlimits: Loose<Process>['rlimits']): Issue[] {
  const issues: Issue[] = []
  const seen = new Set<string>()
  for (const [{ type, soft, hard }, pointer] of each(rlimits, '/process/rlimits')) {
    if (type !== undefined) {
      if (!known.has(type)) issues.push(error(`${pointer}/type`, `wrong rlimit value: ${quote(type).slice(1, -1)}`))
      else if (seen.has(type)) issues.push(error(`${pointer}/type`, `${type} is given more than once`))
      seen.add(type)
    }
    if (soft !== undefined && hard !== undefined && soft > hard) {
      issues.push(error(`${pointer}/soft`, `the soft limit ${soft} is above the hard limit ${hard}`))
    }
  }
  return issues
}
