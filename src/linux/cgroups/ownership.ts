/** A container that may make cgroups of its own owns the one that it is in: runtime-spec 1.3, "Cgroup ownership". */
import { chownSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import type { Host, IdRange } from '../../host/facts.ts'
import type { Spec } from '../../spec/types.ts'
import { isNew } from '../scene.ts'
import { type ManagedCgroup, unifiedHome } from './record.ts'

/**
 * The uid on the host of whoever runs in the container; undefined where the cgroup stays ours: on v1, without a cgroup
 * namespace of its own, with a read-only mount or none, and where ids are not ours to give away. Pure.
 */
export function ownerOf(
  spec: Spec,
  { realRoot, cgroup }: Pick<Host, 'realRoot' | 'cgroup'>,
  uids: readonly IdRange[] | undefined,
): number | undefined {
  const isWritable = spec.mounts?.some(
    ({ type, options = [] }) => (type === 'cgroup' || type === 'cgroup2') && !options.includes('ro'),
  )
  if (!realRoot || cgroup.layout !== 'v2' || !isWritable || !isNew(spec, 'cgroup') || !isNew(spec, 'user'))
    return undefined
  const uid = spec.process?.user?.uid ?? 0
  const range = uids?.find(({ inner, size }) => uid >= inner && uid < inner + size)
  return range && range.outer + (uid - range.inner)
}

/** Before Linux 4.15 the kernel had no list: cgroups(7). */
const always = ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads']

function delegatedFiles(): readonly string[] {
  try {
    return readFileSync('/sys/kernel/cgroup/delegate', 'utf8').split('\n').filter(Boolean)
  } catch {
    return always
  }
}

/** The directory and the files that the kernel calls safe; limits stay ours. @throws RuntimeError `cgroup-refused` */
export function giveCgroup(record: ManagedCgroup, uid: number | undefined): void {
  const home = unifiedHome(record)
  if (uid === undefined || home === undefined) return
  for (const path of [home.path, ...delegatedFiles().map((name) => join(home.path, name))]) {
    try {
      chownSync(path, uid, -1)
    } catch (cause) {
      const errno = errnoOf(cause)
      // The list names files of controllers that are not there.
      if (errno === 'ENOENT' && path !== home.path) continue
      throw new RuntimeError('cgroup-refused', {
        what: `the cgroup of the container cannot be given to user ${uid}: chown ${path}`,
        ...(errno ? { errno } : {}),
        cause,
      })
    }
  }
}
