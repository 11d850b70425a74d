import { error, type Issue } from '../../base/issue.ts'
import type { Spec } from '../types.ts'
import type { Loose } from './loose.ts'

/** Runtime-spec 1.3, "Annotations": keys must not be empty. */
export function annotationIssues(spec: Loose<Spec>): Issue[] {
  return Object.hasOwn(spec.annotations ?? {}, '')
    ? [error('/annotations/', 'the key of an annotation must not be empty')]
    : []
}
