/** The layout of the cgroup trees, from mountinfo and /proc/self/cgroup: cgroups(7). Nothing is hard-coded. */
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import type { CgroupHierarchy, Host, Mount } from './facts.ts'
import { isCovered, isWithin } from './mountinfo.ts'

type Cgroup = Host['cgroup']

export interface CgroupSources {
  readonly mounts: readonly Mount[]
  /** Text of /proc/self/cgroup. */
  readonly membership: string
  /** Replaced in tests: may we write there? */
  readonly mayWrite?: (path: string) => boolean
}

export function readCgroup({ mounts, membership, mayWrite = canWrite }: CgroupSources): Cgroup {
  const v2 = preferred(mounts.filter((mount) => mount.fstype === 'cgroup2' && !isCovered(mounts, mount)))
  const v1 = mounts.filter((mount) => mount.fstype === 'cgroup' && !isCovered(mounts, mount))
  // Some images keep an empty name=systemd hierarchy beside a full cgroup2 tree: without controllers it is no v1.
  const controllers = v1.filter((mount) => mount.superOptions.some(isController))
  const layout = layoutOf({ unified: v2 !== undefined, named: v1.length > 0, controllers: controllers.length > 0 })

  const ownPath = v2 === undefined ? undefined : pathBelow(v2, /^0::(.*)$/m.exec(membership)?.[1])
  const unified: CgroupHierarchy[] = v2 ? [{ version: 2, controllers: [], target: v2.target, ownPath }] : []
  const hierarchies = layout === 'v2' ? unified : [...trees(v1, membership), ...unified]
  const writable = hierarchies.some(
    ({ version, target, ownPath: own }) =>
      (version === 1 || layout === 'v2') && own !== undefined && mayUse(join(target, own), mayWrite),
  )
  return Object.freeze({ layout, unified: v2?.target, ownPath, writable, hierarchies })
}

function layoutOf(has: { unified: boolean; named: boolean; controllers: boolean }): Cgroup['layout'] {
  if (has.controllers) return has.unified ? 'hybrid' : 'v1'
  if (has.unified) return 'v2'
  return has.named ? 'v1' : 'none'
}

/** Each v1 hierarchy once, however often it is mounted: where we see ourselves in it, and at its shortest path. */
function trees(mounts: readonly Mount[], membership: string): CgroupHierarchy[] {
  const found = new Map<string, CgroupHierarchy>()
  for (const mount of mounts.toSorted((a, b) => a.target.length - b.target.length)) {
    const controllers = mount.superOptions.filter((word) => isController(word) || word.startsWith('name='))
    const key = controllers.toSorted().join(',')
    const ownPath = pathBelow(mount, pathIn(membership, controllers))
    if (key !== '' && found.get(key)?.ownPath === undefined)
      found.set(key, { version: 1, controllers, target: mount.target, ownPath })
  }
  return [...found.values()]
}

/** Our path in the v1 hierarchy of these controllers. */
function pathIn(membership: string, controllers: readonly string[]): string | undefined {
  for (const line of membership.split('\n')) {
    const [, names, path] = /^\d+:([^:]+):(.*)$/.exec(line) ?? []
    if (names?.split(',').some((name) => controllers.includes(name))) return path
  }
  return undefined
}

/** Of several trees the one at its usual place, else the one with the shortest path. */
function preferred(mounts: readonly Mount[]): Mount | undefined {
  const usual = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']
  const rank = (mount: Mount) => (usual.includes(mount.target) ? 0 : 1000) + mount.target.length
  return mounts.toSorted((a, b) => rank(a) - rank(b))[0]
}

/** Words of the super block that are settings and not controllers. */
const settings = new Set(['rw', 'ro', 'xattr', 'clone_children', 'noprefix', 'none', 'cpuset_v2_mode', 'favordynmods'])

const isController = (word: string): boolean => word !== '' && !settings.has(word) && !word.includes('=')

/**
 * Our path from the mount point on. Where only a part of the tree is mounted (a container that shares the cgroup
 * namespace of its host) the path begins with that part. `/..` means that we are outside of the namespace's root.
 */
function pathBelow(mount: Mount, path: string | undefined): string | undefined {
  if (path === undefined || path === '/..' || path.startsWith('/../')) return undefined
  if (!isWithin(path, mount.root)) return undefined
  return mount.root === '/' ? path : path.slice(mount.root.length) || '/'
}

/** Making children needs the directory, moving processes needs cgroup.procs. */
const mayUse = (directory: string, mayWrite: (path: string) => boolean): boolean =>
  mayWrite(directory) && mayWrite(join(directory, 'cgroup.procs'))

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}
