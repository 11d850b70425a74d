/** The few mounts that a view is made of. */
import { MOUNT_ATTR_NODEV, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY, MS_NODEV, MS_NOSUID } from '../kernel/constants.ts'
import type { Op } from '../kernel/plan.ts'
import { BIND_HELD, BIND_NO_CREATE } from '../linux/mounts/bind-flags.ts'
import type { Overlay } from './layer-options.ts'
import { isWithin, type Policy } from './policy.ts'

const quiet = MS_NOSUID | MS_NODEV
/** What the host's own mounts become: nothing can be changed, and no device node on them be opened. */
export const CLOSED = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV

/** Counts the mounts that are kept from before they are covered. */
export class Slots {
  readonly ops: Op[] = []
  hold(path: string, origin: string): number {
    this.ops.push({ op: 'hold', path, slot: this.ops.length, origin })
    return this.ops.length - 1
  }
  holdOverlay(overlay: Overlay): number {
    this.ops.push({ ...overlay, slot: this.ops.length })
    return this.ops.length - 1
  }
  holdServed(channel: number, origin: string): number {
    this.ops.push({ op: 'holdServed', channel, slot: this.ops.length, origin })
    return this.ops.length - 1
  }
}

export function tmpfs(target: string, data: string, origin: string): Op {
  return { op: 'mount', fstype: 'tmpfs', source: 'usnea', target, flags: quiet, data, nofollow: 0, origin }
}

/** What is empty and private. Before /dev is the sandbox's own, of which masks are made. `size`: an option of tmpfs, or empty. */
export const privateFolders = ({ privates }: Policy, size: string): Op[] =>
  privates.filter(({ isFile }) => !isFile).map(({ path, mode }) => tmpfs(path, `mode=${mode}${size}`, 'sandbox'))

/** The same for files, behind that. */
export const privateFiles = ({ privates }: Policy): Op[] =>
  privates
    .filter(({ isFile }) => isFile === 'there')
    .map(({ path }) => ({ op: 'mask', path, required: 0, origin: 'sandbox' }))

export function readonlyTree(target: string, origin: string): Op {
  return { op: 'attr', target, set: CLOSED, clear: 0, recursive: 1, spare: 0, locked: 0, origin }
}

/** Device nodes work only on a path that was named under /dev. */
export function writableTree(target: string, source: string, origin: string): Op {
  const set = MOUNT_ATTR_NOSUID | (isWithin(source, '/dev') ? 0 : MOUNT_ATTR_NODEV)
  return { op: 'attr', target, set, clear: 0, recursive: 1, spare: 0, locked: 0, origin }
}

export function bindHeld(
  { target, slot, origin }: { target: string; slot: number; origin: string },
  create: boolean,
): Op {
  return { op: 'bind', source: '', target, flags: BIND_HELD | (create ? 0 : BIND_NO_CREATE), slot, origin }
}
