import { error, type Issue } from '../../base/issue.ts'
import type { NamespaceType } from '../names.ts'
import { child } from '../pointer.ts'
import { sysctlPath } from '../sysctl.ts'
import type { Spec } from '../types.ts'
import type { Loose } from './loose.ts'
import { namespaceOf } from './namespaces.ts'

/** Which namespace keeps a kernel parameter apart: namespaces(7), ipc_namespaces(7), user_namespaces(7). */
const owners: readonly (readonly [pattern: RegExp, owner: NamespaceType])[] = [
  [/^kernel\/(?:msg|shm)[^/]*$/, 'ipc'],
  [/^kernel\/(?:sem|sem_next_id|auto_msgmni)$/, 'ipc'],
  [/^fs\/mqueue\/./, 'ipc'],
  [/^net\/./, 'network'],
  [/^kernel\/domainname$/, 'uts'],
  [/^user\/./, 'user'],
]

/** The kind of namespace that a kernel parameter belongs to, by its path below /proc/sys. */
export const sysctlOwner = (path: string): NamespaceType | undefined =>
  owners.find(([pattern]) => pattern.test(path))?.[1]

/** Refuses every kernel parameter that would change the whole machine. */
export function sysctlIssues(spec: Loose<Spec>): Issue[] {
  return Object.entries(spec.linux?.sysctl ?? {}).flatMap(([key, value]) => {
    const reason = value === undefined ? undefined : whyNot(spec, key, value)
    return reason === undefined ? [] : [error(child('/linux/sysctl', key), reason)]
  })
}

function whyNot(spec: Loose<Spec>, key: string, value: string): string | undefined {
  const path = sysctlPath(key)
  if (path === undefined) return 'is not the name of a kernel parameter'
  if (path === 'kernel/hostname') return 'use the property `hostname` instead'
  if (path === 'kernel/domainname' && spec.domainname !== undefined && spec.domainname !== value) {
    return 'differs from the property `domainname`'
  }
  const owner = sysctlOwner(path)
  if (owner === undefined)
    return 'no namespace keeps this kernel parameter apart, so it cannot be set for one container'
  return namespaceOf(spec, owner) === undefined ? `needs a ${owner} namespace, and none is listed` : undefined
}
