/** The root of the container: finding it, and stepping into it. */
import { isWithin } from '../../host/mountinfo.ts'
import type { Attempt, Cause, Table } from './entry.ts'
import { refusals } from './refusal.ts'

type Names = 'root' | 'coverRoot' | 'rootHere' | 'rootScratch' | 'pivot' | 'chroot' | 'rootAttr'

/** Home directories are 0700 on most distributions: the usual culprit. */
function closedDirectory({ op, host }: Attempt<'root' | 'coverRoot' | 'chroot'>): string {
  const home = host.home
  if (home !== undefined && isWithin(op.path, home))
    return `probably ${home}, or a directory below it, is closed to the mapped user`
  return 'a directory on the way is closed to the mapped user'
}

const rootCauses: readonly Cause<'root' | 'coverRoot' | 'chroot'>[] = [
  {
    errno: 'ENOENT',
    code: 'rootfs-missing',
    why: 'nothing is there',
    fix: 'unpack an image there, or correct root.path',
  },
  {
    errno: 'ESTALE',
    code: 'rootfs-swapped',
    why: 'it was replaced while the container was being created, or a part of the path is a symbolic link',
    fix: 'make sure nothing else writes into the bundle, then create again',
  },
  {
    errno: 'EACCES',
    code: 'rootfs-unreachable',
    why: closedDirectory,
    fix: ({ op }) => `chmod o+x each directory on the way (namei -m ${op.path} shows them), or move the bundle`,
  },
  {
    errno: ['ENOTDIR', 'ELOOP'],
    code: 'rootfs-invalid',
    why: 'it is a file, or a part of the path is a file or a symbolic link',
    fix: 'let root.path name a directory without symbolic links on the way',
  },
  ...refusals,
  {
    errno: 'EINVAL',
    why: 'probably it lies on a mount that is unbindable',
    fix: ({ op }) =>
      `findmnt -o TARGET,PROPAGATION -T ${op.path} shows it; make it private: sudo mount --make-private MOUNTPOINT`,
  },
]

export const explainRoot: Table<Names> = {
  root: {
    code: 'setup-failed',
    what: ({ op }) => `cannot use ${op.path} as the root of the container`,
    causes: rootCauses,
  },
  coverRoot: {
    code: 'setup-failed',
    what: ({ op }) => `cannot use ${op.path} as the root of the container`,
    causes: rootCauses,
  },
  rootHere: {
    code: 'setup-failed',
    what: 'cannot open the root directory',
    causes: [{ errno: 'EACCES', why: '/ is closed to the mapped user', fix: 'chmod o+x / in the outer container' }],
  },
  rootScratch: {
    code: 'setup-failed',
    what: ({ op }) => `cannot make an empty root: error mounting "tmpfs" to rootfs at "${op.path}"`,
    causes: [
      ...refusals,
      { errno: 'ENOENT', why: 'the directory to build it on is missing', fix: ({ op }) => `mkdir ${op.path}` },
      {
        errno: 'EPERM',
        why: 'probably the mount namespace is not our own',
        fix: 'usnea doctor shows what this machine allows',
      },
    ],
  },
  pivot: {
    code: 'pivot-failed',
    what: ({ op }) =>
      ['cannot change the root (pivot_root, then mount MS_MOVE)', 'cannot change the root (mount MS_MOVE, chroot)'][
        Number(op.way)
      ] ?? 'cannot change the root (pivot_root)',
    causes: [
      {
        errno: ['EPERM', 'EINVAL'],
        when: ({ host }) => host.mounts.some(({ target, fstype }) => target === '/' && /^(rootfs|ramfs)$/.test(fstype)),
        why: 'the root around us is the initramfs, which can neither be pivoted nor covered here',
        fix: 'switch to a real root file system first (switch_root), or try --no-pivot',
      },
      ...refusals,
      {
        errno: 'EPERM',
        why: 'the mounts around us are locked, so the new root cannot be moved over them; probably pivot_root is refused by a seccomp filter',
        fix: 'allow pivot_root in the seccomp profile of the outer container',
      },
      {
        errno: 'EINVAL',
        why: 'the root around us cannot be pivoted (it is an initramfs, we are in a chroot, or its mount is shared)',
        fix: 'try --no-pivot; or make / private first: sudo mount --make-rprivate /',
      },
      {
        errno: 'EBUSY',
        why: 'the new root is the root that we have already',
        fix: 'let root.path name another directory than /',
      },
    ],
  },
  chroot: {
    code: 'setup-failed',
    what: ({ op }) => `cannot begin in ${op.path} as the root of the container (chroot)`,
    causes: rootCauses,
  },
  rootAttr: {
    code: 'setup-failed',
    what: 'cannot set the mount attributes of the root (read-only, or its propagation)',
    causes: [
      ...refusals,
      {
        errno: 'EPERM',
        code: 'mount-locked',
        why: 'a flag of the mount is locked by the user namespace around us',
        fix: 'remove root.readonly or linux.rootfsPropagation',
      },
      {
        errno: 'EINVAL',
        why: 'the propagation cannot be set on this mount',
        fix: 'set linux.rootfsPropagation to rslave or rprivate',
      },
    ],
  },
}
