/** Ids that a container or its process asks for, held against the map. */
import { RuntimeError } from '../base/errors.ts'
import type { Degradation } from '../base/issue.ts'
import type { Host } from '../host/facts.ts'
import { mapFix } from '../launch/explain/ids.ts'
import type { ChosenMaps } from '../linux/idmap/choose.ts'
import { idsOf, isMapped, toInner } from '../linux/idmap/ranges.ts'
import { type IdLimits, unmappedIds, wantsDeniedGroups } from '../linux/process/check.ts'
import type { Mount, Process } from '../spec/types.ts'

/** @throws RuntimeError `user-unmapped`, `groups-denied` */
export function assertIds(process: Process, limits: IdLimits, host: Host): void {
  if (wantsDeniedGroups(process, limits))
    throw new RuntimeError('groups-denied', { origin: `${limits.origin}/user/additionalGids` })
  const [first, ...more] = unmappedIds(process, limits)
  if (first === undefined) return
  const { kind, id, pointer } = first
  const held = limits[kind].map(({ inner, size }) => idsOf({ start: inner, size })).join(', ')
  throw new RuntimeError('user-unmapped', {
    what: `cannot ${kind === 'uid' ? 'setuid' : 'setgid'} to unmapped ${kind} ${id} in user namespace`,
    why: `the map of the container holds only ${kind} ${held}`,
    fix: mapFix(host, kind, id),
    origin: [pointer, ...more.map((other) => other.pointer)].join(', '),
  })
}

/**
 * The owner that a mount names must be mapped. devpts is left out: its gid=5 comes from every template, and is dropped
 * and recorded instead.
 * @throws RuntimeError `owner-unmapped`
 */
export function assertOwners(mounts: readonly Mount[], limits: IdLimits, host: Host): void {
  for (const [i, { type, destination, options = [] }] of mounts.entries())
    for (const option of type === 'devpts' ? [] : options) {
      const [, kind, id] = /^(uid|gid)=(\d+)$/.exec(option) ?? []
      if ((kind !== 'uid' && kind !== 'gid') || id === undefined || isMapped(limits[kind], Number(id))) continue
      throw new RuntimeError('owner-unmapped', {
        what: `the owner ${option} of the ${type} at ${destination} is not mapped in the user namespace`,
        fix: mapFix(host, kind, Number(id)),
        origin: `/mounts/${i}/options`,
      })
    }
}

/** Files of an owner outside the map show as nobody inside, and nobody there may change them. */
export function ownerNotes(
  owner: { uid: number; gid: number },
  maps: ChosenMaps | undefined,
  host: Host,
): Degradation[] {
  if (maps === undefined) return []
  return (['uid', 'gid'] as const)
    .filter((kind) => toInner(maps[kind], owner[kind]) === undefined)
    .map((kind) => ({
      pointer: '/root/path',
      message: new RuntimeError('owner-unmapped', {
        what: `the root file system belongs to ${kind} ${owner[kind]}, which is not mapped: it shows as nobody inside and cannot be changed there`,
        fix: `chown it to ${kind} ${host[kind]}, or map ${owner[kind]} in linux.${kind}Mappings`,
      }).message,
    }))
}

/** Where setgroups is denied the caller's groups cannot be dropped: inside they show as nobody's, and still count. */
export function groupNotes(maps: ChosenMaps | undefined, { groups, gid }: Host): Degradation[] {
  const kept = groups.filter((group) => group !== gid)
  if (!maps?.denySetgroups || kept.length === 0) return []
  return [
    {
      pointer: '/process/user',
      message: `the supplementary groups ${kept.join(', ')} of the caller still count inside`,
    },
  ]
}
