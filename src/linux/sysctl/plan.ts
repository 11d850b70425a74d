/** Kernel parameters of the container's own namespaces. Which ones are allowed is checked in spec/rules. */
import type { Op } from '../../kernel/plan.ts'
import { sysctlPath } from '../../spec/sysctl.ts'
import type { Spec } from '../../spec/types.ts'

export function planSysctl(spec: Spec): Op[] {
  return Object.entries(spec.linux?.sysctl ?? {}).map(([key, value]) => ({
    op: 'sysctl',
    key: sysctlPath(key) ?? key, // `validate` refused names without a path
    value,
    origin: `/linux/sysctl/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
  }))
}
