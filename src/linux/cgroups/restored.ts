/** The cgroup of a container that comes out of an image, which may hold limits of its own. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { RuntimeError } from '../../base/errors.ts'
import { applyWrites } from './apply.ts'
import type { CgroupPlan } from './plan.ts'
import type { CgroupRecord } from './record.ts'

/** `strict` of criu(8): what is there already is somebody else's. @throws RuntimeError `cgroup-used` */
export function assertNew({ places, scope }: CgroupPlan): void {
  if (scope) return // systemd starts no unit twice
  const there = places.map(({ mount, path }) => join(mount, path)).filter((path) => existsSync(path))
  if (there.length === 0) return
  throw new RuntimeError('cgroup-used', {
    what: "container's cgroup exists already, and --manage-cgroups-mode strict wants a new one",
    details: there,
    fix: 'remove it, name another cgroupsPath, or use --manage-cgroups-mode soft',
  })
}

/**
 * criu has set what the cgroup of the old life had. What config.json says holds against that, as it does for a container
 * that is made. @throws RuntimeError `cgroup-limit`, `cgroup-missing`
 */
export function setAgain(record: CgroupRecord, { writes }: CgroupPlan): void {
  if (record.manager !== 'none') applyWrites(record, writes)
}
