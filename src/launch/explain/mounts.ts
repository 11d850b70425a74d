/** New file systems in the root. */
import type { Host, Mount } from '../../host/facts.ts'
import { mountOf } from '../../host/mountinfo.ts'
import { coversOf } from '../../host/visible.ts'
import { explainBinds } from './binds.ts'
import { type Attempt, type Cause, inside, type Table } from './entry.ts'
import { explainHeldOverlay } from './held-overlay.ts'
import { explainHeldServed } from './held-served.ts'
import { unknownContext } from './labels.ts'
import { refusals } from './refusal.ts'
import { explainTmpfs } from './tmpfs.ts'

/** Kernel types with FS_USERNS_MOUNT: the rest needs root of the initial namespace. */
const usernsTypes = new Set(
  'proc sysfs tmpfs ramfs devpts mqueue cgroup cgroup2 overlay fuse fuse.fuse-overlayfs binfmt_misc binder'.split(' '),
)

/** Does the failed mount concern a user namespace for sure? With real root we cannot know from the op alone. */
const isNested = (host: Host): boolean => host.rootlessEuid || host.inUserNamespace

const isType =
  (type: string) =>
  ({ op }: Attempt<'mount'>) =>
    op.fstype === type

/** At most three, so that the message stays a sentence. */
function listOf(mounts: readonly Mount[]): string {
  const names = mounts.slice(0, 3).map(({ target }) => target)
  return mounts.length > 3 ? `${names.join(', ')} and ${mounts.length - 3} more` : names.join(', ')
}

function coveredText(host: Host, fstype: 'proc' | 'sysfs'): string {
  const mounts = host.mounts.filter((mount) => mount.fstype === fstype && mount.root === '/')
  const covers = mounts.flatMap((mount) => coversOf(host.mounts, mount))
  if (covers.length > 0) return `${listOf(covers)} ${covers.length === 1 ? 'is' : 'are'} mounted over it`
  const where = fstype === 'proc' ? '/proc' : '/sys'
  if (mounts.length > 0) return `${where} is mounted read-only or with another atime option than relatime`
  return `no whole ${fstype} is mounted`
}

const procCauses: readonly Cause<'mount'>[] = [
  {
    errno: 'EPERM',
    when: (attempt) => isType('proc')(attempt) && !attempt.host.freshProc,
    code: 'proc-masked',
    why: ({ host }) =>
      `the kernel allows a fresh proc only where a whole one is visible, and ${coveredText(host, 'proc')}`,
    fix: 'uncover it in the outer container (Docker: --security-opt systempaths=unconfined; podman: --security-opt unmask=ALL; Kubernetes: procMount: Unmasked with hostUsers: false), or bind the outer one: {"destination": "/proc", "type": "bind", "source": "/proc", "options": ["rbind"]}',
  },
  {
    errno: 'EPERM',
    when: isType('proc'),
    code: 'proc-masked',
    why: 'probably the container has no pid namespace of its own, which a fresh proc needs',
    fix: 'add {"type": "pid"} to linux.namespaces, or bind the outer /proc with the option rbind',
  },
]

const sysfsCauses: readonly Cause<'mount'>[] = [
  {
    errno: 'EPERM',
    when: (attempt) => isType('sysfs')(attempt) && !attempt.host.freshSysfs,
    code: 'sysfs-netns',
    why: ({ host }) =>
      `the kernel allows a fresh sysfs only where a whole one is visible, and ${coveredText(host, 'sysfs')}`,
    fix: 'bind the outer one: {"destination": "/sys", "type": "bind", "source": "/sys", "options": ["rbind", "rro"]}',
  },
  {
    errno: 'EPERM',
    when: isType('sysfs'),
    code: 'sysfs-netns',
    why: 'a fresh sysfs needs a network namespace that belongs to the user namespace of the container',
    fix: 'add {"type": "network"} to linux.namespaces, or bind /sys with the options rbind and rro',
  },
]

const typeCauses: readonly Cause<'mount'>[] = [
  {
    errno: 'EPERM',
    when: isType('mqueue'),
    why: 'probably the container has no ipc namespace of its own, which mqueue needs',
    fix: 'add {"type": "ipc"} to linux.namespaces, or remove the mount',
  },
  {
    errno: 'EPERM',
    when: ({ op }) => op.fstype === 'cgroup' || op.fstype === 'cgroup2',
    why: 'probably the container has no cgroup namespace of its own, which this type needs',
    fix: 'add {"type": "cgroup"} to linux.namespaces, or bind /sys/fs/cgroup with the options rbind and rro',
  },
  {
    errno: ['EPERM', 'EACCES'],
    when: ({ op, host }) => isNested(host) && !usernsTypes.has(op.fstype),
    code: 'mount-fs-refused',
    why: ({ op }) => `the kernel does not let a user namespace mount ${op.fstype}`,
    fix: 'mount it on the host and bind it',
  },
  {
    errno: 'EBUSY',
    when: ({ op }) => op.fstype === 'cgroup',
    why: 'the controllers belong to cgroup v2 here',
    fix: 'mount the type cgroup2 instead',
  },
  {
    errno: 'ENODEV',
    code: 'mount-fs-refused',
    why: ({ op }) => `this kernel has no file system type ${op.fstype}`,
    fix: ({ op }) => `sudo modprobe ${op.fstype} on the host, or correct the type`,
  },
]

const UNMAPPED = /(?:^|,)((?:uid|gid)=\d+)(?=,|$)/

const dataCauses: readonly Cause<'mount'>[] = [
  unknownContext,
  {
    errno: 'EINVAL',
    when: ({ op }) => UNMAPPED.test(op.data),
    why: ({ op }) => `probably ${UNMAPPED.exec(op.data)?.[1]} is not mapped in the user namespace of the container`,
    fix: ({ op }) => `remove ${UNMAPPED.exec(op.data)?.[1]} from the options, or map that id`,
  },
  {
    errno: ['EINVAL', 'EOPNOTSUPP', 'ENOSYS'],
    when: isType('overlay'),
    why: overlayText,
    fix: 'put upperdir and workdir side by side on a local file system (ext4, xfs, tmpfs), and add the option userxattr inside a user namespace (Linux 5.11)',
  },
  {
    errno: 'EINVAL',
    when: ({ op }) => op.data !== '',
    why: ({ op }) => `probably ${op.fstype} does not know one of the options "${op.data}"`,
    fix: ({ op }) => `remove the option that ${op.fstype} does not know; sudo dmesg often names it`,
  },
]

/** overlayfs names its reason only in the kernel log; the file system of upperdir is the usual one. */
export function overlayText({ op, host }: Attempt<'mount'>): string {
  const upper = /(?:^|,)upperdir=([^,]+)/.exec(op.data)?.[1]
  const fstype = upper === undefined ? undefined : mountOf(host.mounts, upper)?.fstype
  if (fstype !== undefined && /^(nfs|overlay|fuse|cifs|9p)/.test(fstype))
    return `upperdir lies on ${fstype}, which cannot hold one`
  return 'probably upperdir or workdir lies on a file system that cannot hold one, or an option is not allowed here'
}

/** The walk to the target, inside the new root. */
export const targetCauses: readonly Cause<'mount'>[] = [
  {
    errno: 'ELOOP',
    code: 'mount-symlink',
    what: ({ op }) => `${mountWords(op)}: "${inside(op.target)}" must be mounted on ordinary directory`,
    why: 'the image has a symbolic link on the way to it',
    fix: 'replace the link in the image by an empty directory',
  },
  {
    errno: 'ENOTDIR',
    why: 'the image has a file where a directory is needed',
    fix: 'replace it in the image by a directory',
  },
  {
    errno: 'EROFS',
    why: 'the target is missing in the image, and the root around it is read-only',
    fix: 'make the target in the image',
  },
  {
    errno: 'EACCES',
    why: 'probably the target cannot be made: its directory belongs to a user outside of the map',
    fix: 'make the target in the image, or map its owner',
  },
  {
    errno: 'ENOSPC',
    why: 'the limit of mounts is reached (fs.mount-max), or the file system of the target is full',
    fix: 'sudo sysctl -w fs.mount-max=200000; df -h shows a full file system',
  },
]

export function mountWords(op: Attempt<'mount'>['op']): string {
  return `error mounting "${op.source || op.fstype}" to rootfs at "${inside(op.target)}"`
}

type Names = 'mount' | 'tmpfs' | 'holdOverlay' | 'holdServed' | 'receive' | 'bind' | 'hold' | 'attr' | 'propagation'

export const explainMounts: Table<Names> = {
  mount: {
    code: 'mount-failed',
    what: ({ op }) => mountWords(op),
    causes: [
      ...procCauses,
      ...sysfsCauses,
      ...typeCauses,
      ...dataCauses,
      ...refusals,
      ...targetCauses,
      {
        errno: 'ENOENT',
        why: ({ op }) =>
          op.source.startsWith('/')
            ? `probably ${op.source} is missing on the host`
            : 'probably an option names a path that is missing',
        fix: 'correct the source, or the paths in the options',
      },
      { errno: ['ENOTBLK', 'ENXIO'], why: 'the source is not a block device that works', fix: 'correct the source' },
      { errno: 'EBUSY', why: 'it is mounted there already, or the device is in use', fix: 'remove the second mount' },
    ],
  },
  ...explainTmpfs,
  ...explainHeldOverlay,
  ...explainHeldServed,
  ...explainBinds,
}
