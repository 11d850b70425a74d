/** Where the cgroup of a container is to be in every tree. Pure. */
import { posix } from 'node:path'
import { error, type Issue } from '../../base/issue.ts'
import type { CgroupHierarchy, Host } from '../../host/facts.ts'

export interface Place {
  readonly version: 1 | 2
  readonly controllers: readonly string[]
  /** Mount point of the tree. */
  readonly mount: string
  /** From the mount point on; begins with `/`. */
  readonly path: string
  /** Above it: nothing is made up to this one, which has limits that are to hold. */
  readonly within?: { readonly path: string; readonly ino: string } | undefined
}

/** A path that climbs, or that is no name at all, is refused: it would be somebody else's cgroup. */
export function checkCgroupsPath(path: string | undefined): Issue[] {
  if (path === undefined || path === '') return []
  const pointer = '/linux/cgroupsPath'
  if (path.includes('\0') || path.includes('\n'))
    return [error(pointer, 'holds a character that no cgroup name may have')]
  if (path.split('/').includes('..')) return [error(pointer, 'must not climb with ".."')]
  if (posix.normalize(`/${path}`) === '/') return [error(pointer, 'names the root of the cgroup tree')]
  return []
}

/**
 * Does it lie in a slice of a user's systemd, beside that one's units? What is there loses its controllers when a unit
 * comes or goes: systemd writes cgroup.subtree_control of its slices, and knows nothing of others in them.
 */
export const isAmongUnits = ({ version, path }: Pick<Place, 'version' | 'path'>): boolean =>
  version === 2 && /\/user@\d+\.service\/(?:[^/]+\/)*[^/]+\.slice\/[^/]+$/.test(path)

/** Where paths that are not absolute begin on v2. */
export type Start = 'beside' | 'below'

/**
 * An absolute path counts from the mount point, a relative one from our own cgroup, and without one the id is taken.
 * On v2 both begin beside us and not below: a cgroup with processes cannot hand controllers down (cgroups(7), "no
 * internal processes"). Where only our own was handed to us they begin below, and we step aside when need be. Trees in which
 * we see no place of our own are left out, unless the path is absolute.
 */
export function placesOf(asked: string, { hierarchies }: Host['cgroup'], start: Start = 'beside'): Place[] {
  return hierarchies.flatMap((tree) => {
    const path = pathIn(tree, asked, start)
    return path === undefined
      ? []
      : [{ version: tree.version, controllers: tree.controllers, mount: tree.target, path }]
  })
}

function pathIn({ version, ownPath }: CgroupHierarchy, asked: string, start: Start): string | undefined {
  const trim = (path: string) => posix.normalize(path).replace(/(.)\/$/, '$1')
  if (asked.startsWith('/')) return trim(asked)
  if (ownPath === undefined) return undefined
  return trim(`/${version === 2 && start === 'beside' ? posix.dirname(ownPath) : ownPath}/${asked}`)
}
