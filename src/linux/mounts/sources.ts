/**
 * Id-mapped binds, and sources that are opened before their turn. The kernel lets only the owner of a file system map its
 * ids. So where the container has a user namespace the source is copied and mapped before that is made, as the host sees
 * it; otherwise when its turn comes.
 */
import { error, type Issue } from '../../base/issue.ts'
import type { Host } from '../../host/facts.ts'
import { CAP_SYS_ADMIN, MS_SHARED } from '../../kernel/constants.ts'
import type { Op } from '../../kernel/plan.ts'
import type { IdMapping, Mount, Spec } from '../../spec/types.ts'
import { mapText } from '../idmap/render.ts'
import { isNew, isPrivate, type Scene } from '../scene.ts'
import { BIND_HELD, BIND_PEER } from './bind-flags.ts'
import type { Item } from './item.ts'
import { parseMountOptions } from './options.ts'
import { isMadeByMounts, isWithin, type Place, sourceOf } from './places.ts'

export function isIdMapped({ uidMappings = [], gidMappings = [], options = [] }: Mount): boolean {
  return uidMappings.length > 0 || gidMappings.length > 0 || options.some((option) => /^r?idmap$/.test(option))
}

/** What follows a mapped source at its place in the list of mounts. */
export function planMappedBind(item: Item, spec: Spec, scene: Scene): Op[] {
  const { mount, index } = item
  if (!isPrivate(spec, 'user')) return [hold(mount, { index, scene, usernsFd: 0 }), heldBind(item, spec, scene)]
  const place = { bundle: scene.bundle, rootfs: scene.rootfs.path }
  return [...(isMappedLate(spec.mounts ?? [], index, place) ? [mapLate(item, place)] : []), heldBind(item, spec, scene)]
}

/** The source is another mount of the container: it is mapped when its turn comes, by the parent. */
const isMappedLate = (mounts: readonly Mount[], index: number, place: Place): boolean => {
  const source = sourceOf(mounts[index] ?? { destination: '/' }, place)
  return isWithin(source, place.rootfs) && isMadeByMounts(mounts, index, place)
}

function mapLate({ mount, origin, index }: Item, place: Place): Op {
  const options = parseMountOptions(mount.options ?? [])
  return {
    op: 'mapSource',
    path: `/${sourceOf(mount, place).slice(place.rootfs.length + 1)}`,
    recursive: options.recursive ? 1 : 0,
    mapRecursive: options.extensions.has('ridmap') ? 1 : 0,
    slot: index,
    origin,
  }
}

export function heldBind({ mount, target, origin, index }: Item, spec: Spec, scene: Scene): Op {
  const flags = BIND_HELD | (isPeerOfHost(mount, spec, scene) ? BIND_PEER : 0)
  return { op: 'bind', source: sourceOf(mount, scene), target, flags, slot: index, origin }
}

/**
 * Where the mount and the root are both to be shared, what the container mounts there shows on the host, as volumes of
 * storage drivers need it. All other mounts of the namespace are slaves by then, so such a source is opened before. A
 * user namespace never gets that power.
 */
function isPeerOfHost(mount: Mount, spec: Spec, { host }: Scene): boolean {
  if (!host.realRoot || isPrivate(spec, 'user') || isIdMapped(mount)) return false
  if (!/^r?shared$/.test(spec.linux?.rootfsPropagation ?? '')) return false
  return ((parseMountOptions(mount.options ?? []).propagation.at(-1) ?? 0) & MS_SHARED) !== 0
}

/** Each is a descriptor of init, and there are usually 1024 at most. */
const MAX_EARLY = 512

/**
 * Real root can open what is closed to the ids of the container, such as a volume below a directory of mode 0700. In the
 * user namespace init could not any more.
 */
export function isOpenedEarly(spec: Spec, scene: Scene, index: number): boolean {
  const mount = spec.mounts?.[index]
  if (mount === undefined || !mayOpenEarly(scene.host) || index >= MAX_EARLY) return false
  if (!isPrivate(spec, 'user') && !isPeerOfHost(mount, spec, scene)) return false
  const { bind, remount } = parseMountOptions(mount.options ?? [])
  if (remount || !(bind || mount.type === 'bind') || scene.openedTrees?.has(sourceOf(mount, scene))) return false
  return !isMadeByMounts(spec.mounts ?? [], index, { bundle: scene.bundle, rootfs: scene.rootfs.path })
}

/** open_tree(2) clones a mount with CAP_SYS_ADMIN only, and user 0 of a container of an engine has no such thing. */
const mayOpenEarly = ({ realRoot, capEffective }: Scene['host']): boolean =>
  realRoot && (capEffective & CAP_SYS_ADMIN) !== 0n

/** The sources that init opens as its very first step; `usernsFd` is the descriptor of one that is joined. */
export function planEarlySources(spec: Spec, scene: Scene, usernsFd: number | undefined): Op[] {
  if (!isNew(spec, 'mount')) return []
  const mounts = spec.mounts ?? []
  const place = { bundle: scene.bundle, rootfs: scene.rootfs.path }
  const isEarly = (mount: Mount, index: number) =>
    isIdMapped(mount)
      ? isPrivate(spec, 'user') && !isMappedLate(mounts, index, place)
      : isOpenedEarly(spec, scene, index)
  return mounts.flatMap((mount, index) =>
    isEarly(mount, index) ? [hold(mount, { index, scene, usernsFd: usernsFd ?? 0 })] : [],
  )
}

export interface Holding {
  readonly index: number
  readonly scene: Scene
  readonly usernsFd: number
}

export function hold(mount: Mount, { index, scene, usernsFd }: Holding): Op {
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

/** No maps of its own, or those of the container. */
function isMappedAs({ uidMappings = [], gidMappings = [] }: Mount, { linux }: Spec): boolean {
  return (
    (uidMappings.length === 0 || mapOf(uidMappings) === mapOf(linux?.uidMappings)) &&
    (gidMappings.length === 0 || mapOf(gidMappings) === mapOf(linux?.gidMappings))
  )
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
    if (!isPrivate(spec, 'user') || !isMadeByMounts(mounts, index, place)) return []
    const words = 'a source that is another mount of a container with a user namespace is mapped'
    if (!isMappedAs(mount, spec))
      return [error(`${pointer}/source`, `${words} only as the container is, without other mappings of its own`)]
    if (isMappedLate(mounts, index, place)) return []
    return [error(`${pointer}/source`, `${words} only where it lies in the root of the container`)]
  })
}
