import { error, type Issue } from '../../base/issue.ts'
import { quote } from '../quote.ts'
import type { Spec } from '../types.ts'
import { each, type Loose } from './loose.ts'
import { namespaceOf } from './namespaces.ts'

/** The root and the paths that are masked or made read-only. */
export function pathIssues(spec: Loose<Spec>): Issue[] {
  return [...rootIssues(spec), ...coveredIssues(spec, 'maskedPaths'), ...coveredIssues(spec, 'readonlyPaths')]
}

function rootIssues({ root }: Loose<Spec>): Issue[] {
  if (root === undefined) return [error('/root', 'the configuration has no `root` section')]
  return root.path === undefined || root.path === ''
    ? [error('/root/path', 'the path of the root must not be empty')]
    : []
}

/** Masks are mounts: in the caller's own mount namespace they would cover the caller's files. */
function coveredIssues(spec: Loose<Spec>, property: 'maskedPaths' | 'readonlyPaths'): Issue[] {
  const pointer = `/linux/${property}`
  const paths = spec.linux?.[property] ?? []
  const issues = each(paths, pointer)
    .filter(([path]) => !path.startsWith('/'))
    .map(([path, place]) => error(place, `must be an absolute path, found ${quote(path)}`))
  if (paths.length > 0 && namespaceOf(spec, 'mount') === undefined) {
    issues.push(error(pointer, 'paths can be covered only in a mount namespace, and none is listed'))
  }
  return issues
}
