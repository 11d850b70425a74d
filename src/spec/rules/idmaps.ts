import { error, type Issue, warning } from '../../base/issue.ts'
import type { IdMapping, Spec } from '../types.ts'
import { each, type Loose } from './loose.ts'
import { namespaceOf } from './namespaces.ts'

const both = ['uidMappings', 'gidMappings'] as const

/** What the kernel would refuse with a bare EINVAL, see user_namespaces(7), "Defining user and group ID mappings". */
export function idMapIssues(spec: Loose<Spec>): Issue[] {
  const mounts = each(spec.mounts, '/mounts')
  return [
    ...both.flatMap((property) => namespaceMapIssues(spec, property)),
    ...mounts.flatMap(([mount, pointer]) =>
      both.flatMap((property) => mapIssues(mount[property], `${pointer}/${property}`)),
    ),
  ]
}

function namespaceMapIssues(spec: Loose<Spec>, property: (typeof both)[number]): Issue[] {
  const pointer = `/linux/${property}`
  const map = spec.linux?.[property]
  if (map === undefined || map.length === 0) return []
  const namespace = namespaceOf(spec, 'user')
  const issues = mapIssues(map, pointer)
  if (namespace === undefined) issues.push(error(pointer, 'id mappings need a user namespace, and none is listed'))
  else if (namespace.path)
    issues.push(warning(pointer, 'ignored: a user namespace that is joined has its own mappings'))
  return issues
}

/** 2^32-1 is no id but "no change" for setresuid(2), so a range may reach up to it, not over it. */
const PAST_LAST_ID = 0xffff_ffff

function mapIssues(map: readonly Loose<IdMapping>[] | undefined, pointer: string): Issue[] {
  const issues: Issue[] = []
  const inner: Range[] = []
  const outer: Range[] = []
  for (const [{ containerID, hostID, size }, place] of each(map, pointer)) {
    if (size === 0) issues.push(error(`${place}/size`, 'must be at least 1'))
    if (containerID === undefined || hostID === undefined || size === undefined || size === 0) continue
    inner.push({ start: containerID, end: containerID + size, pointer: `${place}/containerID` })
    outer.push({ start: hostID, end: hostID + size, pointer: `${place}/hostID` })
  }
  return [...issues, ...rangeIssues(inner), ...rangeIssues(outer)]
}

interface Range {
  readonly start: number
  /** The first id after it. */
  readonly end: number
  readonly pointer: string
}

/** Sorted first: a document may list very many ranges. */
function rangeIssues(ranges: readonly Range[]): Issue[] {
  const issues: Issue[] = []
  let widest: Range | undefined
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const words = `the range ${range.start} to ${range.end - 1}`
    if (range.end > PAST_LAST_ID)
      issues.push(error(range.pointer, `${words} goes past the last id, ${PAST_LAST_ID - 1}`))
    if (widest !== undefined && range.start < widest.end) {
      issues.push(error(range.pointer, `${words} overlaps ${widest.start} to ${widest.end - 1} at ${widest.pointer}`))
    }
    if (widest === undefined || range.end > widest.end) widest = range
  }
  return issues
}
