/** The user namespace we run in, as /proc shows it: user_namespaces(7). */
import type { IdRange } from './facts.ts'
import { readText } from './file.ts'

/** Every id but the last, which is the invalid one (`(uid_t)-1`). */
export const FULL_SIZE = 0xffff_ffff

const FULL_MAP: readonly IdRange[] = Object.freeze([Object.freeze({ inner: 0, outer: 0, size: FULL_SIZE })])

export interface UserNamespace {
  readonly uidMap: readonly IdRange[]
  readonly gidMap: readonly IdRange[]
  readonly setgroups: 'allow' | 'deny'
  readonly inside: boolean
}

/** That of a process, ours by default; ids outside are as we see them. */
export function readUserNamespace(proc: string, who: number | 'self' = 'self'): UserNamespace {
  const uidText = readText(`${proc}/${who}/uid_map`)
  const gidText = readText(`${proc}/${who}/gid_map`)
  return {
    uidMap: uidText === undefined ? FULL_MAP : parseIdMap(uidText),
    gidMap: gidText === undefined ? FULL_MAP : parseIdMap(gidText),
    setgroups: readText(`${proc}/${who}/setgroups`)?.trim() === 'deny' ? 'deny' : 'allow',
    inside: uidText !== undefined && !isInitialMap(parseIdMap(uidText)),
  }
}

/** Lines of `inner outer size`; anything else is passed over. */
export function parseIdMap(text: string): IdRange[] {
  const ranges: IdRange[] = []
  for (const line of text.split('\n')) {
    const [, inner, outer, size] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s*$/.exec(line) ?? []
    if (inner === undefined) continue
    ranges.push({ inner: Number(inner), outer: Number(outer), size: Number(size) })
  }
  return ranges
}

/** The initial namespace is recognised by its one full line. An empty map is a namespace nobody has mapped yet. */
export function isInitialMap(map: readonly IdRange[]): boolean {
  const [only, second] = map
  return second === undefined && only?.inner === 0 && only.outer === 0 && only.size === FULL_SIZE
}
