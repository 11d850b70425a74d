/**
 * Would the kernel allow a fresh proc or sysfs in a child user namespace? It does when one that is fully visible is
 * already mounted somewhere in the mount namespace (mnt_already_visible() in fs/namespace.c). This is that rule, as
 * far as mountinfo shows what it looks at.
 */
import type { Mount } from './facts.ts'
import { isWithin } from './mountinfo.ts'

/** Directories the kernel makes as mount points and keeps empty for ever: a mount on them hides nothing. */
const emptyDirectories: Readonly<Record<string, ReadonlySet<string>>> = {
  proc: new Set(['/fs/nfsd', '/sys/fs/binfmt_misc', '/openprom', '/xen']),
  sysfs: new Set([
    '/firmware/efi/efivars',
    '/fs/bpf',
    '/fs/cgroup',
    '/fs/fuse/connections',
    '/fs/pstore',
    '/fs/resctrl',
    '/fs/selinux',
    '/fs/smackfs',
    '/hypervisor/s390',
    '/kernel/config',
    '/kernel/debug',
    '/kernel/security',
    '/kernel/tracing',
  ]),
}

export function isFullyVisible(mounts: readonly Mount[], fstype: 'proc' | 'sysfs'): boolean {
  return mounts.some((mount) => mount.fstype === fstype && hidesNothing(mounts, mount))
}

/** What covers parts of this proc or sysfs, in mountinfo's order. */
export function coversOf(mounts: readonly Mount[], mount: Mount): Mount[] {
  const empty = emptyDirectories[mount.fstype]
  return mounts.filter(
    (child) =>
      child.parent === mount.id &&
      child.id !== mount.id &&
      isWithin(child.target, mount.target) &&
      empty?.has(child.target.slice(mount.target.length)) !== true,
  )
}

/**
 * In a child namespace every inherited mount is locked, and so are read-only and the atime settings; a fresh mount
 * (read-write, relatime) may not have more than the one it is compared with.
 */
function hidesNothing(mounts: readonly Mount[], mount: Mount): boolean {
  if (mount.root !== '/') return false
  if (mount.options.includes('ro') || mount.superOptions.includes('ro')) return false
  if (!mount.options.includes('relatime') || mount.options.includes('nodiratime')) return false
  return coversOf(mounts, mount).length === 0
}
