import { error, type Issue, warning } from '../../base/issue.ts'
import { quote } from '../quote.ts'
import type { Device, Spec } from '../types.ts'
import { each, type Loose } from './loose.ts'

/** Device nodes: mknod(2) needs numbers for all but fifos. */
export function deviceIssues(spec: Loose<Spec>): Issue[] {
  const issues: Issue[] = []
  const seen = new Map<string, Loose<Device>>()
  for (const [device, pointer] of each(spec.linux?.devices, '/linux/devices')) {
    issues.push(...numberIssues(device, pointer))
    const { path } = device
    if (path === undefined) continue
    if (!path.startsWith('/')) issues.push(error(`${pointer}/path`, `must be an absolute path, found ${quote(path)}`))
    const earlier = seen.get(path)
    if (earlier !== undefined) issues.push(duplicate(earlier, device, `${pointer}/path`))
    seen.set(path, device)
  }
  for (const [{ access }, pointer] of each(spec.linux?.resources?.devices, '/linux/resources/devices'))
    if (access?.includes('a')) issues.push(unknownAccess(access, `${pointer}/access`))
  return issues
}

/** runc passes over an `a` beside others. Alone it would be a rule that denies nothing, whatever was meant. */
function unknownAccess(access: string, pointer: string): Issue {
  const words = 'the letters of an access are r, w and m, and "a" means nothing'
  return /[rwm]/.test(access) ? warning(pointer, `${words}, found ${quote(access)}`) : error(pointer, words)
}

function numberIssues(device: Loose<Device>, pointer: string): Issue[] {
  if (device.type === undefined || device.type === 'p') return []
  return (['major', 'minor'] as const)
    .filter((property) => device[property] === undefined || device[property] < 0)
    .map((property) => error(`${pointer}/${property}`, `a device of type "${device.type}" needs a ${property} number`))
}

function duplicate(earlier: Loose<Device>, later: Loose<Device>, pointer: string): Issue {
  const words = `the device ${quote(later.path ?? '')} is listed more than once`
  const same = earlier.type === later.type && earlier.major === later.major && earlier.minor === later.minor
  return same ? warning(pointer, words) : error(pointer, `${words}, with different numbers`)
}
