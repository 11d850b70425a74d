/** What is known of a container before it has a process. */
import { promisedLevel } from '../host/level.ts'
import type { Op } from '../kernel/plan.ts'
import { type ContainerRecord, STATE_VERSION } from '../state/record.ts'
import type { Context } from './context.ts'
import type { Prepared } from './prepare.ts'

export function firstRecord(
  id: string,
  { spec, bundle, maps, plan, cgroup, standIn, degradations }: Prepared,
  { host }: Context,
): ContainerRecord {
  return {
    version: STATE_VERSION,
    id,
    bundle: bundle.path,
    rootfs: bundle.rootfs.path,
    created: nanoTimestamp(),
    pid: 0,
    ready: false,
    startTime: '0',
    bootId: host.bootId,
    spec,
    rootless: { euid: host.rootlessEuid, cgroups: host.rootlessCgroups },
    maps: maps && { uid: maps.uid, gid: maps.gid, denySetgroups: maps.denySetgroups },
    level: promisedLevel(host, { ranges: hasRanges(maps), cgroups: cgroup.plan !== undefined }),
    cgroup: cgroup.plan?.intended ?? { manager: 'none', reason: cgroup.reason },
    ...(standIn && { standIn }),
    tail: tailOf(plan.ops),
    degradations,
  }
}

const hasRanges = (maps: Prepared['maps']): boolean => (maps?.uid ?? []).reduce((sum, { size }) => sum + size, 0) > 1

/** Hooks and the program itself: what init does after `start`. */
function tailOf(ops: readonly Op[]): ContainerRecord['tail'] {
  const first = ops.findIndex(({ op }) => op === 'gate') + 1
  return { first, ops: first === 0 ? [] : ops.slice(first) }
}

/** RFC 3339 with nine digits, as Go prints it, of milliseconds: the finer clock of Node is a dozen modules to load. */
export function nanoTimestamp(): string {
  return new Date().toISOString().replace('Z', '000000Z')
}
