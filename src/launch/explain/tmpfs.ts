/** A tmpfs, and what is copied into it. */
import { type Attempt, inside, type Table } from './entry.ts'
import { unknownContext } from './labels.ts'
import { refusals } from './refusal.ts'

const isCopy = ({ op, detail }: Attempt<'tmpfs'>): boolean => BigInt(op.copy) !== 0n && detail.startsWith('at ')

const place = ({ op, detail }: Attempt<'tmpfs'>): string => `${inside(op.target)}/${detail.slice('at '.length)}`

export const explainTmpfs: Table<'tmpfs'> = {
  tmpfs: {
    code: 'mount-failed',
    what: ({ op, detail }) =>
      `error mounting "${op.source}" to rootfs at "${inside(op.target)}"${detail === '' ? '' : `: ${detail}`}`,
    saysDetail: true,
    causes: [
      {
        errno: 'ENOSPC',
        when: isCopy,
        why: 'what tmpcopyup copies is larger than the tmpfs may become',
        fix: 'give the mount a larger size (and nr_inodes), or remove tmpcopyup',
      },
      {
        errno: ['EACCES', 'EPERM'],
        when: isCopy,
        why: (attempt) => `we may not read ${place(attempt)}, probably because its owner is not mapped`,
        fix: 'map its owner, change it in the image, or remove tmpcopyup',
      },
      {
        errno: 'ENAMETOOLONG',
        when: isCopy,
        why: 'the tree is deeper than 256 directories, or a path in it longer than 4095 bytes',
        fix: 'remove tmpcopyup',
      },
      {
        errno: 'EINVAL',
        when: ({ detail }) => /^[ug]id$/.test(detail),
        why: 'the id is not mapped in the user namespace of the container',
        fix: 'remove uid= and gid= from the options, or map the ids',
      },
      { ...unknownContext, when: (attempt) => attempt.detail === 'context' },
      {
        errno: 'EINVAL',
        when: ({ op }) => op.data !== '',
        why: ({ op }) => `probably tmpfs does not know one of the options "${op.data}"`,
        fix: 'remove the option that tmpfs does not know',
      },
      ...refusals,
      {
        errno: 'ELOOP',
        code: 'mount-symlink',
        why: 'the image has a symbolic link on the way to it that leads nowhere, or into proc or sysfs',
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
        errno: 'ENOSYS',
        why: ({ host }) =>
          `tmpcopyup needs fsopen of Linux 5.2, and this is ${host.kernel.release}; or a seccomp filter around us hides it`,
        fix: 'remove tmpcopyup, or allow fsopen, fsconfig, fsmount and move_mount in the outer container',
      },
    ],
  },
}
