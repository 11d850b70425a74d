import { error, type Issue } from '../../base/issue.ts'
import { child } from '../pointer.ts'
import { quote } from '../quote.ts'
import type { Spec } from '../types.ts'
import type { Loose } from './loose.ts'
import { namespaceOf } from './namespaces.ts'

/** IFNAMSIZ of linux/if.h with its NUL, and what the kernel takes for a name (dev_valid_name). */
const isName = (name: string): boolean =>
  name !== '' && name !== '.' && name !== '..' && Buffer.byteLength(name) < 16 && !/[/:\s]/.test(name)

/** Devices that are moved into the container: names, and a place for them. */
export function netDeviceIssues(spec: Loose<Spec>): Issue[] {
  const devices = Object.entries(spec.linux?.netDevices ?? {})
  const issues: Issue[] = []
  if (devices.length > 0 && namespaceOf(spec, 'network') === undefined)
    issues.push(
      error('/linux/netDevices', 'network devices can be moved only into a network namespace, and none is listed'),
    )
  const seen = new Set<string>()
  for (const [name, device] of devices) {
    const pointer = child('/linux/netDevices', name)
    const inside = device?.name === undefined || device.name === '' ? name : device.name
    if (!isName(name)) issues.push(error(pointer, `${quote(name)} is not the name of a network device`))
    if (inside !== name && !isName(inside))
      issues.push(error(`${pointer}/name`, `${quote(inside)} is not the name of a network device`))
    if (seen.has(inside)) issues.push(error(pointer, `two network devices would have the name ${quote(inside)}`))
    seen.add(inside)
  }
  return issues
}
