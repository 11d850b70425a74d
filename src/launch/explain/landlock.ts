/** Landlock, and the watcher of a sandbox that has no pid namespace. */
import type { Cause, Table } from './entry.ts'
import { nprocCause } from './limits.ts'

type Names = 'reapTree' | 'ruleset' | 'allowPath' | 'allowPort' | 'restrict'

const missing: Cause<'ruleset' | 'restrict'> = {
  errno: ['ENOSYS', 'EOPNOTSUPP', 'EPERM'],
  why: ({ host }) =>
    `this kernel (${host.kernel.release}) has no Landlock, it is not switched on (lsm=), or a seccomp filter around us hides it`,
  fix: 'use a kernel with Landlock (5.13), add landlock to lsm= of its command line, or an outer container whose seccomp profile knows landlock_create_ruleset',
}

const layers: Cause<'restrict'> = {
  errno: 'E2BIG',
  why: 'there are 16 layers of Landlock around us already, and the kernel takes no more',
  fix: 'nest fewer sandboxes',
}

const path: readonly Cause<'allowPath'>[] = [
  { errno: 'ENOENT', why: 'it is gone since the sandbox was made', fix: 'make it, or the sandbox, again' },
  {
    errno: 'ELOOP',
    why: 'a part of the path has become a symbolic link since the sandbox was made, and none is followed',
    fix: 'name what the link points to',
  },
  {
    errno: 'EACCES',
    why: 'a directory on the way is closed to this user',
    fix: 'chmod o+x each directory on the way; namei -m PATH shows them',
  },
]

export const explainLandlock: Table<Names> = {
  reapTree: {
    code: 'setup-failed',
    what: 'cannot start the watcher of the command',
    causes: [{ ...nprocCause, code: 'userns-nproc' }],
  },
  ruleset: { code: 'landlock-failed', what: 'cannot make a Landlock ruleset', causes: [missing] },
  allowPath: {
    code: 'landlock-failed',
    what: ({ op }) => `cannot let ${op.path} through`,
    causes: path,
  },
  allowPort: { code: 'landlock-failed', what: ({ op }) => `cannot open the TCP port ${op.port}`, causes: [] },
  restrict: { code: 'landlock-failed', what: 'cannot enter the Landlock ruleset', causes: [layers, missing] },
}
