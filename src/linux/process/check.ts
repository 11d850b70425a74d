/** Ids and groups that the container's map does not hold, found before anything is made. */
import type { IdRange } from '../../host/facts.ts'
import type { Process } from '../../spec/types.ts'
import { holds } from '../scene.ts'

export interface IdLimits {
  readonly uid: readonly IdRange[]
  readonly gid: readonly IdRange[]
  readonly maySetGroups: boolean
  /** No groups are set, whatever is asked for. */
  readonly keepsGroups: boolean
  /** JSON pointer of the process object. */
  readonly origin: string
}

export interface UnmappedId {
  readonly kind: 'uid' | 'gid'
  readonly id: number
  readonly pointer: string
}

export function unmappedIds(process: Process, { uid: uids, gid: gids, keepsGroups, origin }: IdLimits): UnmappedId[] {
  const { uid = 0, gid = 0, additionalGids = [] } = process.user ?? {}
  const asked: readonly (UnmappedId & { readonly ranges: readonly IdRange[] })[] = [
    { kind: 'uid', id: uid, pointer: `${origin}/user/uid`, ranges: uids },
    { kind: 'gid', id: gid, pointer: `${origin}/user/gid`, ranges: gids },
    ...(keepsGroups ? [] : additionalGids).map(
      (id, i) => ({ kind: 'gid', id, pointer: `${origin}/user/additionalGids/${i}`, ranges: gids }) as const,
    ),
  ]
  return asked.filter(({ ranges, id }) => !holds(ranges, id)).map(({ kind, id, pointer }) => ({ kind, id, pointer }))
}

/** After `deny` was written to setgroups no supplementary group can be set any more: user_namespaces(7). */
export const wantsDeniedGroups = (process: Process, { maySetGroups, keepsGroups }: IdLimits): boolean =>
  !maySetGroups && !keepsGroups && (process.user?.additionalGids ?? []).length > 0
