import { error, type Issue } from '../../base/issue.ts'
import { ENFORCE } from '../names.ts'
import { quote } from '../quote.ts'
import type { Spec } from '../types.ts'
import type { Loose } from './loose.ts'

/** Runtime-spec 1.3, "Annotations": keys must not be empty. */
export function annotationIssues(spec: Loose<Spec>): Issue[] {
  const annotations = spec.annotations ?? {}
  const enforce = annotations[ENFORCE] ?? 'cgroup'
  return [
    ...(Object.hasOwn(annotations, '') ? [error('/annotations/', 'the key of an annotation must not be empty')] : []),
    ...(enforce === 'cgroup' || enforce === 'watchdog'
      ? []
      : [error(`/annotations/${ENFORCE}`, `must be cgroup or watchdog, found ${quote(enforce)}`)]),
  ]
}
