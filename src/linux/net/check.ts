/** Network devices that cannot be moved by us. */
import { error, type Issue } from '../../base/issue.ts'
import type { Host } from '../../host/facts.ts'
import type { Spec } from '../../spec/types.ts'

export function checkNetDevices(spec: Spec, host: Host): Issue[] {
  if (Object.keys(spec.linux?.netDevices ?? {}).length === 0 || !host.rootlessEuid) return []
  return [error('/linux/netDevices', 'network devices cannot be moved without root: they belong to the host')]
}
