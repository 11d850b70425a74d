/** Mounts of a container that runs. */
import { type Cause, inside, type Table } from './entry.ts'
import { refusals } from './refusal.ts'

type Names = 'holdProc' | 'holdMount' | 'holdAttr' | 'place' | 'removeMount'

const filesystemCauses: readonly Cause<'holdMount'>[] = [
  {
    errno: 'EINVAL',
    when: ({ op }) => op.data !== '',
    why: ({ op }) => `probably ${op.fstype} does not know one of the options "${op.data}"`,
    fix: ({ op }) => `remove the option that ${op.fstype} does not know`,
  },
  {
    errno: 'ENODEV',
    code: 'mount-fs-refused',
    why: ({ op }) => `this kernel has no file system type ${op.fstype}`,
    fix: 'correct the type',
  },
  ...refusals,
]

const placeCauses: readonly Cause<'place'>[] = [
  {
    errno: 'ELOOP',
    code: 'mount-symlink',
    why: 'a symbolic link of the container leads from there into proc or sysfs, or nowhere',
    fix: 'name the directory itself',
  },
  {
    errno: ['ENOTDIR', 'EISDIR'],
    why: 'the source is a directory and the destination a file, or the other way round',
    fix: 'give a destination of the same kind as the source',
  },
  {
    errno: ['EROFS', 'EACCES'],
    when: ({ detail }) => detail === 'target',
    why: 'the destination is missing in the container and cannot be made there',
    fix: 'name a destination that is there, or on a mount that can be written to',
  },
  ...refusals,
]

export const explainLive: Table<Names> = {
  holdProc: {
    code: 'mount-failed',
    what: 'cannot open /proc',
    causes: [{ errno: ['ENOENT', 'ENODEV'], why: 'no proc is mounted at /proc', fix: 'mount -t proc proc /proc' }],
  },
  holdMount: {
    code: 'mount-failed',
    what: ({ op, detail }) => `cannot make a file system of type ${op.fstype}${detail === '' ? '' : `: ${detail}`}`,
    saysDetail: true,
    causes: filesystemCauses,
  },
  holdAttr: {
    code: 'mount-failed',
    what: 'cannot set the options of the mount',
    causes: [
      {
        errno: 'EPERM',
        code: 'mount-locked',
        why: 'the source has an option, such as read-only, nosuid or an access time, that a user namespace cannot change',
        fix: 'remove the option that changes it; for access times alone: --allow-missing atime',
      },
      {
        errno: 'ENOSYS',
        why: ({ host }) =>
          `it needs mount_setattr of Linux 5.12, and this is ${host.kernel.release}; or a seccomp filter around us hides it`,
        fix: 'give the mount to the container when it is made',
      },
    ],
  },
  place: {
    code: 'mount-failed',
    what: ({ op }) => `error mounting at "${inside(op.target)}" of the container`,
    saysDetail: true,
    causes: placeCauses,
  },
  removeMount: {
    code: 'mount-failed',
    what: ({ op }) => `cannot remove the mount at "${inside(op.target)}" of the container`,
    causes: [
      {
        errno: 'EINVAL',
        why: 'nothing is mounted there, or it is locked: it came into the user namespace from outside',
        fix: 'name the destination of a mount that the container has: cat /proc/PID/mountinfo shows them',
      },
      { errno: ['ENOENT', 'ENOTDIR'], why: 'the container has no such path', fix: 'correct the destination' },
      {
        errno: 'ELOOP',
        code: 'mount-symlink',
        why: 'a symbolic link of the container is on the way, and it may lead to what hides something from the container',
        fix: 'name the directory itself',
      },
      ...refusals,
    ],
  },
}
