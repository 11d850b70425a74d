/** The filter of system calls. */
import type { Cause, Table } from './entry.ts'

const WAIT_KILLABLE_RECV = 32n
const NEW_LISTENER = 8n

const shared: readonly Cause<'seccomp' | 'observe'>[] = [
  {
    errno: ['EXDEV', 'ERANGE'],
    code: 'cwd-outside',
    what: 'the working directory is outside of the container',
    why: 'the path leads through a descriptor or link to a place outside the root',
    fix: 'set process.cwd to a path inside the root',
    saysErrno: true,
  },
]

const causes: readonly Cause<'seccomp'>[] = [
  ...shared,
  {
    errno: ['EACCES', 'EPERM'],
    why: 'without no_new_privs the kernel wants CAP_SYS_ADMIN for it, or a filter around us refuses seccomp(2)',
    fix: 'set process.noNewPrivileges to true',
  },
  {
    errno: 'EBUSY',
    when: ({ op }) => (BigInt(op.flags) & NEW_LISTENER) !== 0n,
    why: 'a filter around us already has a listener, and a process can have only one',
    fix: 'remove SCMP_ACT_NOTIFY from the profile, or from the one of the outer container',
  },
  {
    errno: 'EINVAL',
    when: ({ op }) => (BigInt(op.flags) & WAIT_KILLABLE_RECV) !== 0n,
    why: ({ host }) => `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs Linux 5.19, and this is ${host.kernel.release}`,
    fix: 'remove the flag',
  },
  {
    errno: ['ENOMEM', 'E2BIG'],
    why: 'the filters around us and this one together are too long (32768 instructions), or memory is short',
    fix: 'shorten the profile, or that of the outer container',
  },
  {
    errno: ['EINVAL', 'ENOSYS', 'EOPNOTSUPP'],
    why: ({ host }) =>
      `probably this kernel (${host.kernel.release}) is built without CONFIG_SECCOMP_FILTER, or does not know an action or flag of the profile`,
    fix: 'remove the newest actions and flags, or use another kernel',
  },
]

/** Somebody asked to see what is denied, so going on without is no answer. */
const unseen: readonly Cause<'observe'>[] = [
  {
    errno: 'EBUSY',
    why: 'a filter around us already has a listener, and a process can have only one: the outer sandbox or container watches its calls',
    fix: 'ask the outer one for its log, or go without a log here',
  },
  {
    errno: ['EPIPE', 'ECONNRESET', 'ECONNREFUSED'],
    why: 'usnea-observe, which was to watch, is gone before the command began',
    fix: 'look for what ends it: a limit of processes or memory, or somebody who kills it',
  },
  {
    errno: ['EINVAL', 'ENOSYS', 'EOPNOTSUPP'],
    why: ({ host }) =>
      `this kernel (${host.kernel.release}) gives no notice of system calls, or is built without CONFIG_SECCOMP_FILTER`,
    fix: 'use a newer kernel (5.9), or go without a log',
  },
  {
    errno: ['EACCES', 'EPERM'],
    why: 'a filter around us refuses seccomp(2) with a listener',
    fix: 'use the seccomp profile for nested runtimes in docs/rootless.md, or go without a log',
  },
]

export const explainSeccomp: Table<'seccomp' | 'observe'> = {
  observe: {
    code: 'denials-unavailable',
    what: 'what the sandbox denies cannot be watched',
    causes: [...unseen, ...shared],
  },
  seccomp: { code: 'seccomp-failed', what: 'cannot load the seccomp filter', causes },
}
