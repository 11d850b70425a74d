/** What cannot be had of the namespaces on this host, before anything is made. */
import { type Degradation, error, type Issue } from '../../base/issue.ts'
import type { Host } from '../../host/facts.ts'
import type { Spec } from '../../spec/types.ts'
import { isNew } from '../scene.ts'

export function checkNamespaces(spec: Spec, host: Host): Issue[] {
  const issues: Issue[] = []
  if (isNew(spec, 'time') && !host.hasTimeNamespaces)
    issues.push(error('/linux/namespaces', 'this kernel has no time namespaces (they came with Linux 5.6)'))
  if (isNew(spec, 'cgroup') && !host.hasCgroupNamespaces)
    issues.push(error('/linux/namespaces', 'this kernel has no cgroup namespaces (they came with Linux 4.6)'))
  return issues
}

/** What ends with its first process needs a pid namespace of its own; everything else is found by its cgroup. */
export function strayProcesses(spec: Spec, hasCgroup: boolean): Degradation[] {
  if (hasCgroup || isNew(spec, 'pid')) return []
  const message =
    'without a pid namespace of its own and without a cgroup not every process of the container can be found and ended. Such configuration is strongly discouraged'
  return [{ pointer: '/linux/namespaces', message, loud: true }]
}
