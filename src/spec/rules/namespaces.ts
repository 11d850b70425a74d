import { error, type Issue } from '../../base/issue.ts'
import type { NamespaceType } from '../names.ts'
import { namespaceTypes } from '../names.ts'
import { child } from '../pointer.ts'
import { quote } from '../quote.ts'
import type { Spec } from '../types.ts'
import { each, type Loose } from './loose.ts'

/** The entry for one type: a namespace that is made, or joined when it has a path. */
export function namespaceOf(
  spec: Loose<Spec>,
  type: NamespaceType,
): { readonly path?: string | undefined } | undefined {
  return each(spec.linux?.namespaces, '').find(([namespace]) => namespace.type === type)?.[0]
}

/** The list itself, and what needs a namespace of a certain type: host and domain name, clock offsets. */
export function namespaceIssues(spec: Loose<Spec>): Issue[] {
  const issues: Issue[] = []
  const seen = new Set<string>()
  for (const [{ type, path }, pointer] of each(spec.linux?.namespaces, '/linux/namespaces')) {
    if (type !== undefined) {
      const name = quote(type)
      if (!namespaceTypes.includes(type)) issues.push(error(`${pointer}/type`, `namespace ${name} does not exist`))
      else if (seen.has(type)) issues.push(error(pointer, `malformed spec file: duplicated ns ${name}`))
      seen.add(type)
    }
    if (path !== undefined && path !== '' && !path.startsWith('/')) {
      issues.push(error(`${pointer}/path`, `must be an absolute path, found ${quote(path)}`))
    }
  }
  return [...issues, ...utsIssues(spec), ...timeIssues(spec)]
}

/** __NEW_UTS_LEN of linux/utsname.h, bytes. */
const LONGEST_NAME = 64

function utsIssues(spec: Loose<Spec>): Issue[] {
  const issues: Issue[] = []
  for (const property of ['hostname', 'domainname'] as const) {
    const name = spec[property]
    if (name === undefined || name === '') continue
    if (namespaceOf(spec, 'uts') === undefined) {
      issues.push(error(`/${property}`, `a ${property} can be set only in a uts namespace, and none is listed`))
    }
    if (Buffer.byteLength(name) > LONGEST_NAME) {
      issues.push(error(`/${property}`, `must not be longer than ${LONGEST_NAME} bytes`))
    }
  }
  return issues
}

/** time_namespaces(7): offsets can be written only before the first process is in, so never into a joined one. */
function timeIssues(spec: Loose<Spec>): Issue[] {
  const offsets = Object.entries(spec.linux?.timeOffsets ?? {})
  if (offsets.length === 0) return []
  const pointer = '/linux/timeOffsets'
  const issues: Issue[] = []
  const namespace = namespaceOf(spec, 'time')
  if (namespace === undefined) issues.push(error(pointer, 'clock offsets need a time namespace, and none is listed'))
  else if (namespace.path) issues.push(error(pointer, 'clock offsets cannot be set in a time namespace that is joined'))
  for (const [clock, offset] of offsets) {
    const place = child(pointer, clock)
    if (clock !== 'monotonic' && clock !== 'boottime') {
      issues.push(error(place, `clock ${quote(clock)} does not exist; the clocks are monotonic and boottime`))
    }
    if ((offset?.nanosecs ?? 0) >= 1e9) issues.push(error(`${place}/nanosecs`, 'must be less than one second'))
  }
  return issues
}
