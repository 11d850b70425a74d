/**
 * What stands in for a kernel file system that the kernel will not mount afresh here (reference: rootless.md §4). Each
 * one shows more than was asked, or shows it read-only, and says so.
 */
import { MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY } from '../../kernel/constants.ts'
import type { Op } from '../../kernel/plan.ts'
import type { Spec } from '../../spec/types.ts'
import { insideUserNamespace, isPrivate, type Part, type Scene } from '../scene.ts'
import { BIND_RECURSIVE } from './bind-flags.ts'
import { planCgroup } from './cgroup.ts'
import type { Item } from './item.ts'

const quiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC

/** The part that replaces the mount, or undefined when the kernel can be asked for the real thing. */
export function substituteFor(item: Item, spec: Spec, scene: Scene): Part | undefined {
  const nested = insideUserNamespace(spec, scene.host)
  switch (item.mount.type) {
    case 'proc':
      return nested ? forProc(item, spec, scene) : undefined
    case 'sysfs':
      return nested ? forSysfs(item, spec, scene) : undefined
    case 'mqueue':
      return nested && !isPrivate(spec, 'ipc') ? skip(item, 'an ipc namespace of its own') : undefined
    case 'cgroup':
    case 'cgroup2':
      return scene.cgroup ? planCgroup(item, spec, scene.cgroup) : forCgroup(item, scene)
    default:
      return undefined
  }
}

function forProc(item: Item, spec: Spec, scene: Scene): Part | undefined {
  if (isPrivate(spec, 'pid') && scene.host.freshProc) return undefined
  const why = isPrivate(spec, 'pid')
    ? 'the /proc around us is partly covered, and the kernel refuses a fresh one then'
    : 'the container shares our pid namespace'
  return outer(item, { source: '/proc', set: quiet, why, shows: 'processes outside of the container are listed in it' })
}

function forSysfs(item: Item, spec: Spec, scene: Scene): Part | undefined {
  if (isPrivate(spec, 'network') && scene.host.freshSysfs) return undefined
  const why = isPrivate(spec, 'network')
    ? 'the /sys around us is partly covered, and the kernel refuses a fresh one then'
    : 'a fresh one needs a network namespace of its own'
  const shows = 'it is read-only with all that is mounted below it'
  return outer(item, { source: '/sys', set: quiet | MOUNT_ATTR_RDONLY, why, shows })
}

/** Without a cgroup of its own the container is in ours: the outer tree is shown, read-only. */
function forCgroup(item: Item, scene: Scene): Part {
  const root = scene.host.mounts.find(({ target }) => target === '/sys/fs/cgroup')
  if (!root || scene.host.cgroup.layout === 'none') return skip(item, 'a cgroup file system on the host')
  const why = 'the container has no cgroup of its own'
  const shows = 'it is read-only'
  return outer(item, { source: root.target, set: quiet | MOUNT_ATTR_RDONLY, why, shows })
}

interface Outer {
  readonly source: string
  readonly set: number
  readonly why: string
  readonly shows: string
}

function outer({ mount, target, origin }: Item, { source, set, why, shows }: Outer): Part {
  const ops: Op[] = [
    { op: 'bind', source, target, flags: BIND_RECURSIVE, slot: 0, origin },
    { op: 'attr', target, set, clear: 0, recursive: 1, spare: 0, locked: 0, origin },
  ]
  const message = `${mount.type} at ${target} is the outer ${source}, because ${why}; ${shows}`
  return { ops, degradations: [{ pointer: origin, message }] }
}

function skip({ mount, target, origin }: Item, needs: string): Part {
  const message = `${mount.type} is not mounted at ${target}: it needs ${needs}`
  return { ops: [], degradations: [{ pointer: origin, message }] }
}
