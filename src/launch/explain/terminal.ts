/** The terminal of the container. */
import type { Attempt, Cause, Table } from './entry.ts'
import { refusals } from './refusal.ts'

type Names = 'terminal' | 'console'

const DEVPTS =
  '{"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]}'
const addDevpts = `mount one of its own: add ${DEVPTS} to mounts`

const isDetail =
  (detail: string) =>
  (attempt: Attempt<'terminal'>): boolean =>
    attempt.detail === detail

/** No errno words in the first ones: callers take those of a missing file for a missing program. */
const terminalCauses: readonly Cause<'terminal'>[] = [
  {
    errno: ['ENOENT', 'ENOTDIR'],
    why: 'the container has no /dev/pts, or no ptmx in it',
    fix: addDevpts,
    saysErrno: true,
  },
  {
    errno: 'ENODEV',
    when: isDetail('another file system'),
    why: '/dev/pts of the container is no devpts',
    fix: addDevpts,
    saysErrno: true,
  },
  {
    errno: 'ENODEV',
    when: isDetail('another device'),
    why: '/dev/pts/ptmx of the container is another device',
    fix: addDevpts,
    saysErrno: true,
  },
  {
    errno: 'ELOOP',
    why: '/dev or /dev/pts of the container is a symbolic link, and a terminal is never looked for through one',
    fix: `mount a tmpfs at /dev first, and then ${addDevpts}`,
    saysErrno: true,
  },
  {
    errno: 'EXDEV',
    why: 'something is mounted over /dev/pts/ptmx of the container',
    fix: 'remove that mount: a terminal can come only from the devpts itself',
    saysErrno: true,
  },
  {
    errno: ['EPERM', 'EACCES', 'EINVAL', 'EOVERFLOW'],
    when: isDetail('owner'),
    why: '/dev/pts of the container belongs to another user namespace, which does not let us give a terminal to the user',
    fix: addDevpts,
  },
  {
    errno: 'EACCES',
    why: 'probably /dev/pts of the container is bound from outside, and belongs to a user outside of the map',
    fix: addDevpts,
  },
  {
    errno: 'EPERM',
    when: isDetail('controlling terminal'),
    why: 'probably the process already has a terminal',
    fix: 'please report it',
  },
  ...refusals,
  {
    errno: 'EPERM',
    why: 'probably device rules around us, or of the container, forbid c 5:2 or c 136:*',
    fix: 'allow both in linux.resources.devices, or in the outer container',
  },
  {
    errno: 'ENOSPC',
    why: 'no terminals are left: the limit is kernel.pty.max, or the option max of the devpts',
    fix: 'close some, or raise it: sudo sysctl kernel.pty.max=8192',
  },
]

const consoleCauses: readonly Cause<'console'>[] = [
  {
    errno: 'ELOOP',
    why: '/dev or /dev/console of the container is a symbolic link, and nothing is mounted through one',
    fix: 'remove it from the image, or mount a tmpfs at /dev',
    saysErrno: true,
  },
  {
    errno: 'EISDIR',
    why: '/dev/console of the container is a directory',
    fix: 'remove it from the image, or mount a tmpfs at /dev',
    saysErrno: true,
  },
  {
    errno: 'EROFS',
    why: '/dev of the container is read-only and has no console',
    fix: 'make dev/console in the image, or mount a tmpfs at /dev',
  },
  {
    errno: ['EACCES', 'EPERM'],
    why: 'probably /dev of the container belongs to a user outside of the map and has no console',
    fix: 'make dev/console in the image, or mount a tmpfs at /dev',
  },
  ...refusals,
]

export const explainTerminal: Table<Names> = {
  terminal: {
    code: 'terminal-failed',
    what: 'cannot open a terminal in the container',
    causes: terminalCauses,
    saysDetail: true,
  },
  console: {
    code: 'terminal-failed',
    what: 'cannot put the terminal on /dev/console',
    causes: consoleCauses,
  },
}
