/** Bind mounts: sources of the host, and the attributes of what is mounted. */
import { isWithin } from '../../host/mountinfo.ts'
import {
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
} from '../../kernel/constants.ts'
import { BIND_RECURSIVE } from '../../linux/mounts/bind-flags.ts'
import { type Attempt, bitNames, type Cause, inside, type Table } from './entry.ts'
import { refusals } from './refusal.ts'

type Names = 'bind' | 'hold' | 'attr' | 'propagation'

const bindWords = ({ op }: Attempt<'bind'>): string =>
  `error mounting "${op.source}" to rootfs at "${inside(op.target)}"`

/** init says which end it was at. */
const isSource = ({ detail }: Attempt<'bind'>): boolean => detail === 'source'

function lockedBelow({ op, host }: Attempt<'bind' | 'hold'>): string[] {
  const source = op.op === 'bind' ? op.source : op.path
  return host.mounts.map(({ target }) => target).filter((target) => target !== source && isWithin(target, source))
}

const isPlainOverMounts = (attempt: Attempt<'bind'>): boolean =>
  (BigInt(attempt.op.flags) & BigInt(BIND_RECURSIVE)) === 0n && lockedBelow(attempt).length > 0

/** Nearly always a mode; where SELinux enforces, it may be a label. */
const closedSource = {
  errno: 'EACCES',
  why: ({ host }) =>
    `probably a directory on the way to the source is closed to the user that we are in the container${host.lsm.selinuxEnforcing ? ', or its SELinux label is' : ''}`,
  fix: ({ op, host }) => {
    const path = op.op === 'bind' ? op.source : op.path
    const label = host.lsm.selinuxEnforcing ? `; or chcon -Rt container_file_t ${path}` : ''
    return `chmod o+x each directory on the way (namei -m ${path} shows them)${label}`
  },
} satisfies Cause<'bind' | 'hold'>

const bindCauses: readonly Cause<'bind'>[] = [
  {
    errno: 'ENOENT',
    when: ({ detail }) => detail !== 'target',
    code: 'mount-source-missing',
    what: (attempt) => `${bindWords(attempt)}: the source is missing`,
    why: ({ op }) => `nothing is at ${op.source}`,
    fix: ({ op }) => `mkdir -p ${op.source}, or remove the mount`,
  },
  {
    errno: 'ENOENT',
    why: 'the target is missing in the image, and may not be made',
    fix: ({ op }) => `make ${inside(op.target)} in the image`,
  },
  {
    errno: ['EINVAL', 'EPERM'],
    when: (attempt) => isSource(attempt) && isPlainOverMounts(attempt),
    code: 'mount-locked',
    why: (attempt) =>
      `the mounts below the source are locked to it in a user namespace: ${lockedBelow(attempt).slice(0, 3).join(', ')}`,
    fix: 'bind with the option rbind instead of bind',
  },
  { ...closedSource, when: isSource },
  ...refusals,
  {
    errno: ['EPERM', 'EINVAL'],
    code: 'mount-locked',
    why: 'probably a mount below the source is locked, or the source lies on an unbindable mount',
    fix: 'bind with the option rbind, or mount the source outside first',
  },
  {
    errno: 'ELOOP',
    when: isSource,
    why: 'the source is a symbolic link that leads nowhere, or is not to be followed',
    fix: 'name what the link points to',
  },
  {
    errno: 'ELOOP',
    code: 'mount-symlink',
    what: (attempt) => `${bindWords(attempt)}: "${inside(attempt.op.target)}" must be mounted on ordinary directory`,
    why: 'the image has a symbolic link on the way to it',
    fix: 'replace the link in the image by an empty directory',
  },
  {
    errno: ['ENOTDIR', 'EISDIR'],
    why: ({ detail }) =>
      detail.startsWith('the source is') ? detail : 'a part of the path is a file where a directory is needed',
    fix: 'make the target in the image of the same kind as the source',
  },
  {
    errno: 'EROFS',
    why: 'the target is missing in the image, and the root around it is read-only',
    fix: ({ op }) => `make ${inside(op.target)} in the image`,
  },
  {
    errno: 'EACCES',
    why: 'probably the target cannot be made: its directory belongs to a user outside of the map',
    fix: ({ op }) => `make ${inside(op.target)} in the image, or map its owner`,
  },
  {
    errno: 'ENOSPC',
    why: 'the limit of mounts is reached (fs.mount-max)',
    fix: 'sudo sysctl -w fs.mount-max=200000, or bind fewer directories',
  },
]

const attrNames = [
  ['ro', MOUNT_ATTR_RDONLY],
  ['nosuid', MOUNT_ATTR_NOSUID],
  ['nodev', MOUNT_ATTR_NODEV],
  ['noexec', MOUNT_ATTR_NOEXEC],
  ['noatime', MOUNT_ATTR_NOATIME],
  ['strictatime', MOUNT_ATTR_STRICTATIME],
  ['nodiratime', MOUNT_ATTR_NODIRATIME],
  ['nosymfollow', MOUNT_ATTR_NOSYMFOLLOW],
  ['idmap', MOUNT_ATTR_IDMAP],
] as const

/** The option that clears a flag is its name without `no`: dev, suid, exec, atime; rw for ro. */
const clearing = (name: string): string => (name === 'ro' ? 'rw' : name.replace(/^no/, ''))

function cleared({ op }: Attempt<'attr'>): string[] {
  const named = BigInt(op.clear) & ~BigInt(op.set) & ~BigInt(op.spare)
  return bitNames(named, attrNames).filter((name) => name !== 'strictatime')
}

/** Of them those that are no access times. */
const clearedFlags = (attempt: Attempt<'attr'>): string[] =>
  cleared(attempt).filter((name) => name !== 'noatime' && name !== 'nodiratime')

function attrWords(attempt: Attempt<'attr'>): string {
  const { op } = attempt
  const words = [...bitNames(op.set, attrNames), ...cleared(attempt).map(clearing)].join(',') || 'relatime'
  return `error mounting to rootfs at "${inside(op.target)}": cannot set ${words}${BigInt(op.recursive) === 0n ? '' : ' recursively'}`
}

const attrCauses: readonly Cause<'attr'>[] = [
  {
    errno: 'EPERM',
    when: (attempt) => clearedFlags(attempt).length > 0,
    code: 'mount-locked',
    why: (attempt) =>
      `the source has ${clearedFlags(attempt).join(', ')}, and a user namespace cannot clear what it inherited`,
    fix: (attempt) => `remove ${clearedFlags(attempt).map(clearing).join(', ')} from the options of the mount`,
  },
  {
    errno: 'EPERM',
    when: ({ op }) => bitNames(op.set, attrNames).includes('idmap'),
    why: 'the file system of the source belongs to another user namespace, so we may not map its ids',
    fix: 'remove idmap and the mappings from the mount',
  },
  {
    errno: 'EPERM',
    code: 'mount-locked',
    why: 'probably the access time option of the source is locked in the user namespace',
    fix: 'remove noatime, relatime, strictatime and nodiratime from the options of the mount; to go on with those of the source: --allow-missing atime',
  },
  {
    errno: 'ENOSYS',
    why: ({ host }) =>
      `recursive attributes need mount_setattr of Linux 5.12, and this is ${host.kernel.release}; or a seccomp filter around us hides it`,
    fix: 'use ro instead of rro (mounts below stay writable then), or a newer kernel',
  },
  {
    errno: 'EINVAL',
    why: 'the kernel does not know the attribute, or the target is not a mount point',
    fix: 'remove the option; nosymfollow needs Linux 5.14',
  },
]

export const explainBinds: Table<Names> = {
  bind: { code: 'mount-failed', what: bindWords, causes: bindCauses, saysDetail: true },
  hold: {
    code: 'mount-failed',
    what: ({ op }) => `cannot open ${op.path} for the container (open_tree)`,
    causes: [
      {
        errno: 'ENOENT',
        code: 'mount-source-missing',
        why: 'nothing is there',
        fix: ({ op }) => `make ${op.path}, or remove it from the options`,
      },
      closedSource,
      ...refusals,
      {
        errno: ['EPERM', 'EINVAL'],
        code: 'mount-locked',
        why: 'probably it lies on an unbindable mount',
        fix: ({ op }) => `findmnt -o TARGET,PROPAGATION -T ${op.path} shows it; sudo mount --make-private MOUNTPOINT`,
      },
    ],
  },
  attr: { code: 'mount-failed', what: attrWords, causes: attrCauses },
  propagation: {
    code: 'mount-failed',
    what: ({ op }) => `error mounting to rootfs at "${inside(op.target)}": cannot set the propagation`,
    causes: [
      ...refusals,
      {
        errno: 'EINVAL',
        why: 'the target is not a mount point',
        fix: 'give the propagation only to a destination that is mounted',
      },
      {
        errno: 'EPERM',
        why: 'probably the mount is locked in the user namespace',
        fix: 'remove the propagation from the options of the mount',
      },
    ],
  },
}
