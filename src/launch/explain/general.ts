/** Causes that are the same for every op: the last resort when its own entry has none. */
import type { OpName } from '../../kernel/plan.ts'
import { ANY, type Attempt, type Cause, findCause } from './entry.ts'
import { nprocCause } from './limits.ts'
import { refusals } from './refusal.ts'

const DOCTOR = 'usnea doctor shows what this machine allows'

const causes: readonly Cause<OpName>[] = [
  ...refusals,
  { errno: 'EPERM', why: 'probably a capability that our process lacks, or a security module', fix: DOCTOR },
  {
    errno: 'EACCES',
    why: 'probably a directory on the way is closed to the user that the container runs as',
    fix: 'chmod o+x each directory on the way; namei -m PATH shows them',
  },
  { ...nprocCause, code: 'userns-nproc' },
  {
    errno: 'ENOMEM',
    why: 'the kernel has no memory for it, or the memory limit of our cgroup is reached',
    fix: 'free memory, or raise the limit (memory.max)',
  },
  {
    errno: ['EMFILE', 'ENFILE'],
    why: ({ host }) => `too many open files (RLIMIT_NOFILE is ${host.rlimits.RLIMIT_NOFILE?.soft ?? 'unknown'})`,
    fix: 'raise it in the session before: ulimit -n',
  },
  {
    errno: ['ENOSPC', 'EDQUOT'],
    why: 'the file system is full, or a quota is used up',
    fix: 'free space; df -h and df -i show where',
  },
  {
    errno: 'EROFS',
    why: 'the file system is mounted read-only',
    fix: 'make the missing file or directory in the image, or mount it read-write',
  },
  {
    errno: 'ENAMETOOLONG',
    why: 'a path is longer than 4095 bytes, or one of its names longer than 255',
    fix: 'use a shorter path',
  },
  {
    errno: ['ENOSYS', 'EOPNOTSUPP'],
    why: ({ host }) =>
      `this kernel (${host.kernel.release}) does not have the call, or a seccomp filter around us hides it`,
    fix: 'use Linux 5.12 or newer, or an outer container whose seccomp profile knows the call',
  },
  {
    errno: 'ELOOP',
    why: 'symbolic links on the way point to each other, or are not allowed there',
    fix: 'replace the link by what it points to',
  },
  { errno: 'ENOTDIR', why: 'a part of the path is a file and not a directory', fix: 'correct the path, or the image' },
  { errno: 'ENOENT', why: 'a part of the path is missing', fix: 'correct the path, or make it' },
  { errno: 'EBUSY', why: 'something else uses it', fix: 'end what uses it; fuser -vm PATH and findmnt show it' },
  { errno: 'EIO', why: 'the device below reports an error', fix: 'sudo dmesg shows which' },
  {
    errno: 'EINVAL',
    why: 'the kernel does not take one of the values',
    fix: `correct the values at the origin; ${DOCTOR}`,
  },
]

const unknown: Cause<OpName> = { errno: ANY, why: 'the kernel says no more than that', fix: DOCTOR }

export function usualCause(attempt: Attempt<OpName>): Cause<OpName> {
  return findCause(attempt, causes) ?? unknown
}
