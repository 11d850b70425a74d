/** Attributes and propagation that a mount of the spec asks for, as ops. Pure. */
import type { Degradation } from '../../base/issue.ts'
import type { Host } from '../../host/facts.ts'
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_RDONLY,
} from '../../kernel/constants.ts'
import type { Op } from '../../kernel/plan.ts'
import type { Scene } from '../scene.ts'
import { bindAttributes } from './bind-attributes.ts'
import type { Item } from './item.ts'
import type { ParsedMount } from './options.ts'

interface Sight {
  readonly source: string
  /** Is it looked at from inside a user namespace? */
  readonly nested: boolean
}

/**
 * A source that has mounts below it cannot be bound alone in a user namespace: they are locked to it. What was asked for
 * the bind then holds for them too.
 */
export function settleBind(item: Item, scene: Scene, { source, nested }: Sight) {
  const { options, origin } = item
  const locked = !options.recursive && nested && hasMountsBelow(source, scene.host)
  const recursive = options.recursive || locked
  const safe = guarded(item, scene)
  if (!locked) return { bound: safe, recursive, degradations: [] }
  const message = `${source} is bound with the mounts below it: inside a user namespace they cannot be left out`
  const degradations: Degradation[] = [{ pointer: `${origin}/options`, message }]
  return { bound: { ...safe, options: spreading(safe.options) }, recursive, degradations }
}

/** The same mount with what guards the host from it. */
export const guarded = (item: Item, scene: Scene): Item =>
  isOpen(scene) ? { ...item, options: withoutDevices(item.options) } : item

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

/** Of a `remount`: what was asked is added or taken away, and everything else stays. */
export function attributes(item: Item, scene: Scene): Op[] {
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
export function attributesOfBind(item: Item, scene: Scene, locked: boolean): Op[] {
  const { options, target, origin } = item
  const own = bindAttributes(options, { kernel: scene.host.kernel, locked })
  const recursive = recursiveAttributes(item, scene)
  if (own === undefined) return recursive
  const spare = own.spare | spareTimes(scene)
  return [...recursive, { op: 'attr', target, ...own, spare, recursive: 0, locked: locked ? 1 : 0, origin }]
}

export function recursiveAttributes({ options, target, origin }: Item, scene: Scene): Op[] {
  const { recursiveAttrSet: set, recursiveAttrClear: clear } = options
  if (!set && !clear) return []
  return [{ op: 'attr', target, set, clear, recursive: 1, spare: spareTimes(scene), locked: 0, origin }]
}

export function propagation({ options, target, origin }: Item): Op[] {
  return options.propagation.map((flags) => ({ op: 'propagation', target, flags, origin }))
}
