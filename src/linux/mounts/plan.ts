/** The mounts of the spec as ops, in the spec's order, with the fall-backs that a user namespace demands. */
import { resolve } from 'node:path'
import type { Degradation } from '../../base/issue.ts'
import type { Host } from '../../host/facts.ts'
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_RDONLY,
  MS_RDONLY,
} from '../../kernel/constants.ts'
import type { Op } from '../../kernel/plan.ts'
import type { Mount, Spec } from '../../spec/types.ts'
import { labelOption } from '../lsm/plan.ts'
import { isPrivate, type Part, type Scene } from '../scene.ts'
import { bindAttributes } from './bind-attributes.ts'
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
    degradations.push(...(part.degradations ?? []))
  }
  return { ops, degradations }
}

function labelled(options: ParsedMount, { type = '' }: Mount, mountLabel: string | undefined): ParsedMount {
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
  return substitute ?? filesystem(item, scene)
}

function bindMapped(item: Item, spec: Spec, scene: Scene): Part {
  const guarded = isOpen(scene) ? withoutDevices(item.options) : item.options
  return {
    ops: [
      ...planMappedBind(item, spec, scene),
      ...attributesOfBind({ ...item, options: guarded }, scene, isPrivate(spec, 'user')),
      ...propagation(item),
    ],
  }
}

/**
 * A source that has mounts below it cannot be bound alone in a user namespace: they are locked to it. What was asked for
 * the bind then holds for them too.
 */
function bind(item: Item, spec: Spec, scene: Scene): Part {
  const { mount, options, origin, target } = item
  const source = sourceOf(mount, scene)
  const early = isOpenedEarly(spec, scene, item.index)
  const nested = !early && (scene.maps !== undefined || scene.host.inUserNamespace)
  const locked = !options.recursive && nested && hasMountsBelow(source, scene.host)
  const recursive = options.recursive || locked
  const guarded = isOpen(scene) ? withoutDevices(options) : options
  const bound = { ...item, options: locked ? spreading(guarded) : guarded }
  const slot = scene.openedTrees?.get(source) ?? 0
  const opened = slot > 0 ? BIND_OPENED : 0
  const ops: Op[] = [
    early
      ? heldBind(item, spec, scene)
      : { op: 'bind', source, target, flags: opened | (recursive ? BIND_RECURSIVE : 0), slot, origin },
    ...attributesOfBind(bound, scene, early && isPrivate(spec, 'user')),
    ...propagation(item),
  ]
  if (!locked) return { ops }
  const message = `${source} is bound with the mounts below it: inside a user namespace they cannot be left out`
  return { ops, degradations: [{ pointer: `${origin}/options`, message }] }
}

const isOpen = ({ host, cgroup }: Scene): boolean => host.realRoot && !cgroup?.guardsDevices

/** As real root a device node in a volume is the host's device where no cgroup guards it. `dev` asks for it by name. */
function withoutDevices(options: ParsedMount): ParsedMount {
  if (options.clearsExplicitly.some((name) => name === 'dev' || name === 'rdev')) return options
  return { ...options, recursiveAttrSet: options.recursiveAttrSet | MOUNT_ATTR_NODEV }
}

function spreading(options: ParsedMount): ParsedMount {
  const { attrSet, attrClear } = options
  return {
    ...options,
    attrSet: 0,
    attrClear: 0,
    recursiveAttrSet: options.recursiveAttrSet | attrSet,
    recursiveAttrClear: options.recursiveAttrClear | (attrClear & ~MOUNT_ATTR_RDONLY),
  }
}

function hasMountsBelow(source: string, host: Host): boolean {
  const prefix = source === '/' ? '/' : `${source}/`
  return host.mounts.some(({ target }) => target !== source && target.startsWith(prefix))
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

/** Of a `remount`: what was asked is added or taken away, and everything else stays. */
function attributes(item: Item, scene: Scene): Op[] {
  const { options, target, origin } = item
  const { attrSet: set, attrClear: clear } = options
  const recursive = recursiveAttributes(item, scene)
  if (!set && !clear) return recursive
  return [...recursive, { op: 'attr', target, set, clear, recursive: 0, spare: spareTimes(scene), locked: 0, origin }]
}

/** Access times that are locked in a user namespace stay as they are, if the caller lets them. */
const spareTimes = ({ mayMiss }: Scene): number =>
  mayMiss.has('atime') ? MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME : 0

/** The recursive ones come first, so that `rro,rw` leaves just the mount itself writable. */
function attributesOfBind(item: Item, scene: Scene, locked: boolean): Op[] {
  const { options, target, origin } = item
  const own = bindAttributes(options, { kernel: scene.host.kernel, locked })
  const recursive = recursiveAttributes(item, scene)
  if (own === undefined) return recursive
  const spare = own.spare | spareTimes(scene)
  return [...recursive, { op: 'attr', target, ...own, spare, recursive: 0, locked: locked ? 1 : 0, origin }]
}

function recursiveAttributes({ options, target, origin }: Item, scene: Scene): Op[] {
  const { recursiveAttrSet: set, recursiveAttrClear: clear } = options
  if (!set && !clear) return []
  return [{ op: 'attr', target, set, clear, recursive: 1, spare: spareTimes(scene), locked: 0, origin }]
}

function propagation({ options, target, origin }: Item): Op[] {
  return options.propagation.map((flags) => ({ op: 'propagation', target, flags, origin }))
}
