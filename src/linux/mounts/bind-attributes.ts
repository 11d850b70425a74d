/**
 * The flags of a bind. Pure. As with `mount --bind -o` a bind that names any flag gets exactly the flags that it names,
 * and one that names none keeps those of its source: mount(8), and the runtimes that people come from.
 */
import type { Host } from '../../host/facts.ts'
import * as k from '../../kernel/constants.ts'
import type { ParsedMount } from './options.ts'

export interface BindAttributes {
  readonly set: number
  readonly clear: number
  /** Of `clear` what nobody asked for by name: what a user namespace has locked of it stays. */
  readonly spare: number
}

const LOCKABLE = k.MOUNT_ATTR_RDONLY | k.MOUNT_ATTR_NOSUID | k.MOUNT_ATTR_NODEV | k.MOUNT_ATTR_NOEXEC
const ATIMES = k.MS_NOATIME | k.MS_NODIRATIME | k.MS_RELATIME | k.MS_STRICTATIME

interface Sight {
  readonly kernel: Host['kernel']
  /** All flags of the source are locked, though the kernel may not know it. */
  readonly locked: boolean
}

/** Undefined when nothing is to be changed. */
export function bindAttributes(options: ParsedMount, { kernel, locked }: Sight): BindAttributes | undefined {
  const { flags, attrSet, attrClear, clearsExplicitly, recursiveAttrSet } = options
  if (flags === 0 && clearsExplicitly.length === 0) return undefined
  const all = LOCKABLE | (knowsNoSymFollow(kernel) ? k.MOUNT_ATTR_NOSYMFOLLOW : 0)
  const plain = attrSet & (LOCKABLE | k.MOUNT_ATTR_NOSYMFOLLOW)
  const named = attrClear & (LOCKABLE | k.MOUNT_ATTR_NOSYMFOLLOW)
  // What an option such as `rro` gave to the mount and all below it is not taken away in passing.
  const implied = all & ~plain & ~named & ~recursiveAttrSet & (locked ? ~LOCKABLE : ~0)
  const atime = accessTime(flags)
  return {
    set: plain | (atime?.set ?? 0),
    clear: named | implied | (atime?.clear ?? 0),
    spare: implied,
  }
}

/**
 * As the kernel reads them at a remount: without any of them all stay, and an option that only takes one away has no
 * effect; with `nodiratime` alone comes relatime.
 */
function accessTime(flags: number): { set: number; clear: number } | undefined {
  if ((flags & ATIMES) === 0) return undefined
  const time =
    flags & k.MS_STRICTATIME
      ? k.MOUNT_ATTR_STRICTATIME
      : flags & k.MS_NOATIME
        ? k.MOUNT_ATTR_NOATIME
        : k.MOUNT_ATTR_RELATIME
  const directories = flags & k.MS_NODIRATIME ? k.MOUNT_ATTR_NODIRATIME : 0
  return { set: time | directories, clear: k.MOUNT_ATTR__ATIME | (k.MOUNT_ATTR_NODIRATIME & ~directories) }
}

/** mount_setattr(2) knows it since Linux 5.14, and refuses what it does not know. */
const knowsNoSymFollow = ({ major, minor }: Host['kernel']): boolean => major > 5 || (major === 5 && minor >= 14)
