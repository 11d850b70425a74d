/** The new root: what is there before the mounts, what is covered after them, and the step into it. */
import { MOUNT_ATTR_RDONLY, MS_PRIVATE, MS_REC, MS_SHARED, MS_SLAVE, MS_UNBINDABLE } from '../../kernel/constants.ts'
import type { Op } from '../../kernel/plan.ts'
import type { Spec } from '../../spec/types.ts'
import type { Scene } from '../scene.ts'

export function planRoot(scene: Scene): Op[] {
  const { path, dev, ino } = scene.rootfs
  return [{ op: 'root', path, dev, ino, origin: '/root/path' }]
}

/** Masks and read-only paths come after every mount that they may cover. */
export function planCovers(spec: Spec): Op[] {
  const { maskedPaths = [], readonlyPaths = [] } = spec.linux ?? {}
  return [
    ...readonlyPaths.map((path, i): Op => ({ op: 'readonly', path, origin: `/linux/readonlyPaths/${i}` })),
    ...maskedPaths.map((path, i): Op => ({ op: 'mask', path, origin: `/linux/maskedPaths/${i}` })),
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

export function planPivot(spec: Spec, scene: Scene): Op[] {
  const ops: Op[] = [{ op: 'pivot', move: scene.noPivot ? 1 : 0, origin: '/root/path' }]
  const propagation = propagations[spec.linux?.rootfsPropagation ?? ''] ?? 0
  const set = spec.root?.readonly ? MOUNT_ATTR_RDONLY : 0
  if (set || propagation)
    ops.push({ op: 'rootAttr', set, propagation, origin: set ? '/root/readonly' : '/linux/rootfsPropagation' })
  return ops
}
