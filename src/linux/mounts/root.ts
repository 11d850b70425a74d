/** The new root: what is there before the mounts, what is covered after them, and the step into it. */
import { isWithin } from '../../host/mountinfo.ts'
import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from '../../kernel/constants.ts'
import type { Op } from '../../kernel/plan.ts'
import type { Spec } from '../../spec/types.ts'
import type { Part, Scene } from '../scene.ts'
import { parseMountOptions } from './options.ts'
import { targetOf } from './places.ts'

/** Before 5.12 flags can be set for one mount at a time only. */
const hasMountSetattr = ({ host: { kernel } }: Scene): boolean =>
  kernel.major > 5 || (kernel.major === 5 && kernel.minor >= 12)

export function planRoot(scene: Scene): Op[] {
  const { path, dev, ino } = scene.rootfs
  const origin = '/root/path'
  return [
    { op: 'root', path, dev, ino, origin },
    // A device node in an image would be the host's device where no cgroup guards those. Ours are on mounts of their own.
    ...(scene.cgroup?.guardsDevices ? [] : [withoutNodes(scene)]),
  ]
}

function withoutNodes(scene: Scene): Op {
  const recursive = hasMountSetattr(scene) ? 1 : 0
  return {
    op: 'attr',
    target: '/',
    set: MOUNT_ATTR_NODEV,
    clear: 0,
    recursive,
    spare: 0,
    locked: 0,
    origin: '/root/path',
  }
}

/** Each path with its first place. */
const once = (paths: readonly string[]): (readonly [string, number])[] =>
  [...new Set(paths)].map((path) => [path, paths.indexOf(path)] as const)

/** Masks and read-only paths come after every mount that they may cover. */
export function planCovers(spec: Spec): Op[] {
  const { maskedPaths = [], readonlyPaths = [] } = spec.linux ?? {}
  return [
    ...once(readonlyPaths).map(([path, i]): Op => ({ op: 'readonly', path, origin: `/linux/readonlyPaths/${i}` })),
    ...once(maskedPaths).map(([path, i]): Op => ({ op: 'mask', path, required: 0, origin: `/linux/maskedPaths/${i}` })),
  ]
}

const propagations: Readonly<Record<string, number>> = {
  shared: MS_SHARED,
  rshared: MS_SHARED | MS_REC,
  slave: MS_SLAVE,
  rslave: MS_SLAVE | MS_REC,
  private: MS_PRIVATE,
  rprivate: MS_PRIVATE | MS_REC,
  unbindable: MS_UNBINDABLE,
  runbindable: MS_UNBINDABLE | MS_REC,
}

/**
 * The recursive ones reach every mount, and then those that say something else of their own say it again. The root itself
 * is only shared once we are in it: pivot_root(2) refuses a shared one.
 */
export function planRootPropagation(spec: Spec, { rootfs: { path } }: Scene): Op[] {
  const flags = propagations[spec.linux?.rootfsPropagation ?? ''] ?? 0
  if ((flags & MS_REC) === 0) return []
  const onRoot = (kind: number): Op => ({
    op: 'propagation',
    target: '/',
    flags: kind,
    origin: '/linux/rootfsPropagation',
  })
  const own = (spec.mounts ?? []).flatMap((mount, index) =>
    parseMountOptions(mount.options ?? []).propagation.map(
      (kind): Op => ({ op: 'propagation', target: targetOf(mount, path), flags: kind, origin: `/mounts/${index}` }),
    ),
  )
  return [onRoot(flags), ...((flags & MS_SHARED) === 0 ? [] : [onRoot(MS_SLAVE)]), ...own]
}

/** Ways of the `pivot` op: the same numbers as in native/init/ops_pivot.c. */
const ways = { pivotOrMove: 0, move: 1, pivot: 2 }

/**
 * In a mount namespace that is not the container's own (joined, or none listed) nothing is mounted: it would be mounted
 * for everybody in it. The program only begins in its root.
 */
export function planForeignRoot(spec: Spec, { rootfs: { path, dev, ino } }: Scene): Part {
  const missed = [
    ...((spec.mounts ?? []).length > 0 ? ['mounts'] : []),
    ...(spec.root?.readonly ? ['root/readonly'] : []),
    ...((spec.linux?.devices ?? []).length > 0 ? ['linux/devices'] : []),
    ...(spec.linux?.rootfsPropagation ? ['linux/rootfsPropagation'] : []),
    ...((spec.linux?.maskedPaths ?? []).length > 0 ? ['linux/maskedPaths'] : []),
    ...((spec.linux?.readonlyPaths ?? []).length > 0 ? ['linux/readonlyPaths'] : []),
  ]
  const why = "the mount namespace is not the container's own"
  return {
    ops: [{ op: 'chroot', path, dev, ino, origin: '/root/path' }],
    degradations: [
      { pointer: '/linux/namespaces', message: `${why}, so whoever may chroot inside can leave the root`, loud: true },
      ...missed.map((name) => ({ pointer: `/${name}`, message: `not applied: ${why}`, loud: true })),
    ],
  }
}

/** Where the old root shows kernel file systems, which must not stay beneath a moved one: see native/init/ops_pivot.c. */
function revealing({ host: { mounts }, rootfs }: Scene): string[] {
  const found = mounts.filter(({ fstype, target }) => /^(proc|sysfs)$/.test(fstype) && !isWithin(target, rootfs.path))
  return [...new Set(found.map(({ target }) => target))]
}

/** Whoever may unmount could take a moved root off the old one again, so the fall-back is only for those who may not. */
export function planPivot(spec: Spec, scene: Scene, maySysAdmin: boolean): Op[] {
  const way = scene.noPivot ? ways.move : maySysAdmin ? ways.pivot : ways.pivotOrMove
  const ops: Op[] = [{ op: 'pivot', way, hidden: way === ways.pivot ? [] : revealing(scene), origin: '/root/path' }]
  const propagation = (propagations[spec.linux?.rootfsPropagation ?? ''] ?? 0) & ~MS_REC
  const set = spec.root?.readonly ? MOUNT_ATTR_RDONLY : 0
  if (set || propagation)
    ops.push({ op: 'rootAttr', set, propagation, origin: set ? '/root/readonly' : '/linux/rootfsPropagation' })
  return ops
}
