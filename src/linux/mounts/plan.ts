/** The mounts of the spec as ops, in the spec's order, with the fall-backs that a user namespace demands. */
import { resolve } from 'node:path'
import type { Degradation } from '../../base/issue.ts'
import { MOUNT_ATTR_RDONLY, MS_RDONLY } from '../../kernel/constants.ts'
import type { Op } from '../../kernel/plan.ts'
import type { Mount, Spec } from '../../spec/types.ts'
import { isLabelledLater, labelOption } from '../lsm/plan.ts'
import { insideUserNamespace, isNew, isPrivate, type Part, type Scene } from '../scene.ts'
import { attributes, attributesOfBind, guarded, propagation, recursiveAttributes, settleBind } from './attributes.ts'
import { BIND_OPENED, BIND_RECURSIVE } from './bind-flags.ts'
import { fitData } from './data.ts'
import type { Item } from './item.ts'
import { type ParsedMount, parseMountOptions } from './options.ts'
import { sourceOf, targetOf } from './places.ts'
import { heldBind, isIdMapped, isOpenedEarly, planMappedBind } from './sources.ts'
import { substituteFor } from './substitute.ts'
import { planTmpfs } from './tmpfs.ts'

export function planMounts(spec: Spec, scene: Scene): Part {
  const ops: Op[] = []
  const degradations: Degradation[] = []
  const label = scene.host.lsm.selinux ? spec.linux?.mountLabel : undefined
  for (const [index, mount] of (spec.mounts ?? []).entries()) {
    const origin = `/mounts/${index}`
    const target = targetOf(mount, scene.rootfs.path)
    const options = labelled(parseMountOptions(mount.options ?? []), mount, label)
    const part = planMount({ mount, target, options, origin, index }, spec, scene)
    ops.push(...part.ops)
    if (label && isLabelledLater(mount.type ?? ''))
      ops.push({ op: 'label', target, label, origin: '/linux/mountLabel' })
    degradations.push(...(part.degradations ?? []))
  }
  return { ops, degradations }
}

export function labelled(options: ParsedMount, { type = '' }: Mount, mountLabel: string | undefined): ParsedMount {
  if (options.bind || options.remount || type === 'bind') return options
  const data = [options.data, labelOption(mountLabel, type)].filter((text) => text !== '').join(',')
  return { ...options, data }
}

function planMount(item: Item, spec: Spec, scene: Scene): Part {
  const { options, mount } = item
  if (options.remount) return { ops: [...attributes(item, scene), ...propagation(item)] }
  if (isIdMapped(mount)) return bindMapped(item, spec, scene)
  if (options.bind || mount.type === 'bind') return bind(item, spec, scene)
  const substitute = substituteFor(item, spec, scene)
  if (mount.type === 'overlay' && !substitute && insideUserNamespace(spec, scene.host))
    return overlay(item, spec, scene)
  return substitute ?? filesystem(item, scene)
}

function bindMapped(item: Item, spec: Spec, scene: Scene): Part {
  return {
    ops: [
      ...planMappedBind(item, spec, scene),
      ...attributesOfBind(guarded(item, scene), scene, isPrivate(spec, 'user')),
      ...propagation(item),
    ],
  }
}

function bind(item: Item, spec: Spec, scene: Scene): Part {
  const { mount, origin, target } = item
  const source = sourceOf(mount, scene)
  const early = isOpenedEarly(spec, scene, item.index)
  const { bound, recursive, degradations } = settleBind(item, scene, {
    source,
    nested: !early && (scene.maps !== undefined || scene.host.inUserNamespace),
  })
  const slot = scene.openedTrees?.get(source) ?? 0
  const opened = slot > 0 ? BIND_OPENED : 0
  const ops: Op[] = [
    early
      ? heldBind(item, spec, scene)
      : { op: 'bind', source, target, flags: opened | (recursive ? BIND_RECURSIVE : 0), slot, origin },
    ...attributesOfBind(bound, scene, early && isPrivate(spec, 'user')),
    ...propagation(item),
  ]
  return { ops, degradations }
}

function filesystem(item: Item, scene: Scene): Part {
  const { mount, options, target, origin } = item
  const { data, degradations } = fitData(item, scene)
  const fstype = mount.type ?? ''
  if (fstype === 'tmpfs') {
    const part = planTmpfs(item, scene)
    return { ...part, ops: [...part.ops, ...recursiveAttributes(item, scene), ...propagation(item)] }
  }
  // Devices are made on /dev after it is mounted, so it turns read-only at the end.
  const late = target === '/dev' ? MS_RDONLY : 0
  const nofollow = fstype === 'proc' || fstype === 'sysfs' ? 1 : 0
  const flags = options.flags & ~late
  return {
    ops: [
      { op: 'mount', fstype, source: mount.source ?? fstype, target, flags, data, nofollow, origin },
      ...recursiveAttributes(item, scene),
      ...propagation(item),
    ],
    degradations,
  }
}

/** The devices of those that may have to be served, for before the birth. */
export function planFuseDevices(spec: Spec, scene: Scene): Op[] {
  if (!insideUserNamespace(spec, scene.host) || servedBy(spec, scene) === '') return []
  return (spec.mounts ?? []).flatMap(({ type, options = [] }, index): Op[] => {
    const { bind, remount } = parseMountOptions(options)
    return type !== 'overlay' || bind || remount ? [] : [{ op: 'holdFuse', slot: index, origin: `/mounts/${index}` }]
  })
}

const servedBy = (spec: Spec, { host }: Scene): string => (isNew(spec, 'pid') ? (host.fuseOverlayfs ?? '') : '')

/**
 * Where a user namespace may have none, fuse-overlayfs serves it. Not without a pid namespace of the container's own: it
 * would see the program, and could trace it.
 */
function overlay(item: Item, spec: Spec, scene: Scene): Part {
  const { mount, options, target, origin } = item
  const { data, degradations } = fitData(item, scene)
  const program = servedBy(spec, scene)
  return {
    ops: [
      {
        op: 'overlay',
        source: mount.source ?? 'overlay',
        target,
        flags: options.flags,
        attr: options.attrSet,
        data,
        program,
        slot: item.index,
        origin,
      },
      ...recursiveAttributes(item, scene),
      ...propagation(item),
    ],
    degradations,
  }
}

/** The op that turns a read-only /dev read-only, for after the devices. */
export function planLateReadonly(spec: Spec): Op[] {
  return (spec.mounts ?? []).flatMap((mount, i): Op[] => {
    const options = parseMountOptions(mount.options ?? [])
    const isDev = resolve('/', mount.destination) === '/dev' && mount.type !== 'bind' && !options.bind
    if (!isDev || !(options.flags & MS_RDONLY)) return []
    const target = '/dev'
    return [
      {
        op: 'attr',
        target,
        set: MOUNT_ATTR_RDONLY,
        clear: 0,
        recursive: 0,
        spare: 0,
        locked: 0,
        origin: `/mounts/${i}`,
      },
    ]
  })
}
