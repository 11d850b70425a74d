/**
 * The cgroup file systems of a container that has a cgroup of its own: it sees that cgroup and what is below it, never
 * what is beside or above. So there is no release_agent to write to, and no other container's limits to change.
 */
import { basename, join } from 'node:path'
import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
} from '../../kernel/constants.ts'
import type { Op } from '../../kernel/plan.ts'
import type { Spec } from '../../spec/types.ts'
import type { Place } from '../cgroups/place.ts'
import { isPrivate, type Part, type SceneCgroup } from '../scene.ts'
import type { Item } from './item.ts'

const quietFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC
const quiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC

/**
 * v2 where it was asked for or is all there is, else v1 with a directory for every tree. With a cgroup namespace of its
 * own the container's cgroup is the root of a fresh mount; without one its directory is bound.
 */
export function planCgroup(item: Item, spec: Spec, { places }: SceneCgroup): Part {
  const v1 = places.filter(({ version }) => version === 1)
  const v2 = places.find(({ version }) => version === 2)
  const isFresh = isPrivate(spec, 'cgroup')
  if (v2 && (item.mount.type === 'cgroup2' || v1.length === 0))
    return { ops: [...showTree(v2, item.target, { item, isFresh }), ...readonly(item, item.target)] }
  return { ops: trees(v1, item, isFresh) }
}

interface Showing {
  readonly item: Item
  readonly isFresh: boolean
}

function trees(places: readonly Place[], item: Item, isFresh: boolean): Op[] {
  const { target, origin } = item
  const shown = places.flatMap((place) => {
    const at = join(target, basename(place.mount))
    return [...showTree(place, at, { item, isFresh }), ...readonly(item, at), ...aliases(place, item)]
  })
  return [
    { op: 'mount', fstype: 'tmpfs', source: 'tmpfs', target, flags: quietFlags, data: 'mode=755', nofollow: 0, origin },
    ...shown,
    ...readonly(item, target),
  ]
}

function showTree(place: Place, target: string, { item: { origin }, isFresh }: Showing): Op[] {
  if (!isFresh) {
    const source = join(place.mount, place.path)
    return [
      { op: 'bind', source, target, flags: 0, slot: 0, origin },
      { op: 'attr', target, set: quiet, clear: 0, recursive: 0, spare: 0, locked: 0, origin },
    ]
  }
  const fstype = place.version === 2 ? 'cgroup2' : 'cgroup'
  return [
    { op: 'mount', fstype, source: 'cgroup', target, flags: quietFlags, data: dataOf(place), nofollow: 0, origin },
  ]
}

/** A tree without controllers must be said to have none: cgroups(7). */
function dataOf({ version, controllers }: Place): string {
  if (version === 2) return ''
  return controllers.some((name) => name.startsWith('name=')) ? `none,${controllers.join(',')}` : controllers.join(',')
}

/** By the mount alone: the flag of the file system would hold for everybody who mounts it there. */
function readonly({ options, origin }: Item, target: string): Op[] {
  if (!(options.attrSet & MOUNT_ATTR_RDONLY)) return []
  return [{ op: 'attr', target, set: MOUNT_ATTR_RDONLY, clear: 0, recursive: 0, spare: 0, locked: 0, origin }]
}

/** Programs look for a controller by its name, also where several share a tree (cpu,cpuacct). */
function aliases({ controllers, mount }: Place, { target, origin }: Item): Op[] {
  const text = basename(mount)
  const names = controllers.length > 1 ? controllers.filter((name) => !name.includes('=') && name !== text) : []
  return names.map((name) => ({ op: 'symlink', text, path: join(target, name), origin }))
}
