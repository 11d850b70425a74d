import { error, type Issue } from '../../base/issue.ts'
import { hookNames } from '../names.ts'
import { quote } from '../quote.ts'
import type { Spec } from '../types.ts'
import { each, type Loose } from './loose.ts'

/** Runtime-spec 1.3, "POSIX-platform Hooks": absolute paths, timeouts of more than zero. */
export function hookIssues(spec: Loose<Spec>): Issue[] {
  const issues: Issue[] = []
  for (const name of hookNames) {
    for (const [{ path, timeout }, pointer] of each(spec.hooks?.[name], `/hooks/${name}`)) {
      if (path === undefined) issues.push(error(`${pointer}/path`, 'a hook needs a path'))
      else if (!path.startsWith('/')) {
        issues.push(error(`${pointer}/path`, `must be an absolute path, found ${quote(path)}`))
      }
      if (timeout !== undefined && timeout <= 0) {
        issues.push(error(`${pointer}/timeout`, `must be more than 0 seconds, found ${timeout}`))
      }
    }
  }
  return issues
}
