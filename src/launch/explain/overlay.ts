/** An overlay in a user namespace, by the kernel or by fuse-overlayfs. */
import { ANY, type Attempt, type Cause, type Table, type Text } from './entry.ts'
import { mountWords, overlayText, targetCauses } from './mounts.ts'
import { refusals } from './refusal.ts'

/** The same op with the words of a mount. */
const asMount = (attempt: Attempt<'overlay'>): Attempt<'mount'> => ({
  ...attempt,
  op: { ...attempt.op, op: 'mount', fstype: 'overlay', nofollow: 0 },
})

const isServed = ({ detail }: Attempt<'overlay'>): boolean => detail === 'fuse-overlayfs'

/** What holds for every mount, for the one kind that has an op of its own. */
const overlayCauses: readonly Cause<'overlay'>[] = [
  {
    errno: ANY,
    when: isServed,
    why: 'the kernel refused the overlay, and fuse-overlayfs did not serve it: probably a layer is missing, or cannot be written to',
    fix: ({ op }) => `look what it says: fuse-overlayfs -f -o ${op.data} DIR`,
  },
  {
    errno: ['EINVAL', 'EOPNOTSUPP', 'ENOSYS', 'EPERM'],
    when: ({ op }) => op.program === '',
    why: (attempt) => overlayText(asMount(attempt)),
    fix: 'put upperdir and workdir side by side on a local file system (ext4, xfs, tmpfs), and add the option userxattr inside a user namespace (Linux 5.11); or install fuse-overlayfs, and give the container a pid namespace of its own',
  },
  ...refusals,
  {
    errno: 'ENOENT',
    why: 'probably an option names a path that is missing',
    fix: 'correct the paths in the options',
  },
]

const forOverlay = ({ when, code, what, why, fix, errno }: Cause<'mount'>): Cause<'overlay'> => ({
  errno,
  ...(code && { code }),
  ...(when && { when: (attempt: Attempt<'overlay'>) => when(asMount(attempt)) }),
  ...(what && { what: textFor(what) }),
  why: textFor(why),
  fix: textFor(fix),
})

const textFor = (text: Text<'mount'>): Text<'overlay'> =>
  typeof text === 'string' ? text : (attempt) => text(asMount(attempt))

export const explainOverlay: Table<'overlay' | 'holdFuse'> = {
  holdFuse: { code: 'mount-failed', what: 'cannot keep /dev/fuse for an overlay', causes: [] },
  overlay: {
    code: 'mount-failed',
    what: (attempt) => mountWords(asMount(attempt).op),
    causes: [...overlayCauses, ...targetCauses.map(forOverlay)],
  },
}
