/**
 * Id-mapped binds, and sources that are opened before their turn. The kernel lets only the owner of a file system map its ids. So where the container has a user
 * namespace the source is copied and mapped before that is made, as the host sees it; otherwise when its turn comes.
 */
import { error, type Issue } from '../../base/issue.ts'
import type { Host } from '../../host/facts.ts'
import type { Op } from '../../kernel/plan.ts'
import type { IdMapping, Mount, Spec } from '../../spec/types.ts'
import { mapText } from '../idmap/render.ts'
import { isNew, isPrivate, type Scene } from '../scene.ts'
import { BIND_HELD } from './bind-flags.ts'
import type { Item } from './item.ts'
import { parseMountOptions } from './options.ts'
import { isMadeByMounts, type Place, sourceOf } from './places.ts'

export function isIdMapped({ uidMappings = [], gidMappings = [], options = [] }: Mount): boolean {
  return uidMappings.length > 0 || gidMappings.length > 0 || options.some((option) => /^r?idmap$/.test(option))
}

/** What follows a mapped source at its place in the list of mounts. */
export function planMappedBind(item: Item, spec: Spec, scene: Scene): Op[] {
  const { mount, index } = item
  return isPrivate(spec, 'user')
    ? [heldBind(item, scene)]
    : [hold(mount, { index, scene, usernsFd: 0 }), heldBind(item, scene)]
}

export function heldBind({ mount, target, origin, index }: Item, scene: Scene): Op {
  return { op: 'bind', source: sourceOf(mount, scene), target, flags: BIND_HELD, slot: index, origin }
}

/** Each is a descriptor of init, and there are usually 1024 at most. */
const MAX_EARLY = 512

/**
 * Real root can open what is closed to the ids of the container, such as a volume below a directory of mode 0700. In the
 * user namespace init could not any more.
 */
export function isOpenedEarly(spec: Spec, scene: Scene, index: number): boolean {
  const mount = spec.mounts?.[index]
  if (mount === undefined || !scene.host.realRoot || !isPrivate(spec, 'user') || index >= MAX_EARLY) return false
  const { bind, remount } = parseMountOptions(mount.options ?? [])
  if (remount || !(bind || mount.type === 'bind') || scene.openedTrees?.has(sourceOf(mount, scene))) return false
  return !isMadeByMounts(spec.mounts ?? [], index, { bundle: scene.bundle, rootfs: scene.rootfs.path })
}

/** The sources of a container with a user namespace; `usernsFd` is the descriptor of one that is joined. */
export function planEarlySources(spec: Spec, scene: Scene, usernsFd: number | undefined): Op[] {
  if (!isPrivate(spec, 'user') || !isNew(spec, 'mount')) return []
  return (spec.mounts ?? []).flatMap((mount, index) =>
    isIdMapped(mount) || isOpenedEarly(spec, scene, index)
      ? [hold(mount, { index, scene, usernsFd: usernsFd ?? 0 })]
      : [],
  )
}

interface Holding {
  readonly index: number
  readonly scene: Scene
  readonly usernsFd: number
}

function hold(mount: Mount, { index, scene, usernsFd }: Holding): Op {
  const options = parseMountOptions(mount.options ?? [])
  const mapped = isIdMapped(mount)
  return {
    op: 'holdSource',
    source: sourceOf(mount, scene),
    recursive: options.recursive ? 1 : 0,
    mapped: mapped ? 1 : 0,
    uidMap: mapped ? mapOf(mount.uidMappings, scene.maps?.uid) : '',
    gidMap: mapped ? mapOf(mount.gidMappings, scene.maps?.gid) : '',
    usernsFd,
    mapRecursive: options.extensions.has('ridmap') ? 1 : 0,
    slot: index,
    origin: `/mounts/${index}`,
  }
}

/** Without a map of its own a mount has the container's; empty is the one of the namespace that is joined. */
function mapOf(own: readonly IdMapping[] = [], ofContainer: Parameters<typeof mapText>[0] = []): string {
  if (own.length === 0) return mapText(ofContainer)
  return mapText(own.map(({ containerID, hostID, size }) => ({ inner: containerID, outer: hostID, size })))
}

export function checkIdMappedMounts(spec: Spec, host: Host, place: Place): Issue[] {
  const mounts = spec.mounts ?? []
  return mounts.flatMap((mount, index) => {
    if (!isIdMapped(mount)) return []
    const pointer = `/mounts/${index}`
    if (host.rootlessEuid)
      return [error(pointer, 'an id-mapped mount needs root: only the owner of a file system may map its ids')]
    const { major, minor, release } = host.kernel
    if (major < 5 || (major === 5 && minor < 12))
      return [error(pointer, `an id-mapped mount needs Linux 5.12, and this is ${release}`)]
    const words =
      'the source of an id-mapped mount cannot be another mount of a container that has a user namespace: it is opened before'
    return isPrivate(spec, 'user') && isMadeByMounts(mounts, index, place) ? [error(`${pointer}/source`, words)] : []
  })
}
