/** Limits of processes and namespaces that an op may run into. */

import type { Host } from '../../host/facts.ts'
import { RLIM_INFINITY } from '../../host/facts.ts'
import type { OpName } from '../../kernel/plan.ts'
import type { Cause } from './entry.ts'

export const limitText = (value: bigint): string => (value === RLIM_INFINITY ? 'unlimited' : String(value))

/** fork, clone and setuid answer EAGAIN when a process limit is reached. */
export const nprocCause = {
  errno: 'EAGAIN',
  why: ({ host }) =>
    `a limit of processes is reached: ${nprocText(host)}, pids.max of our cgroup, or kernel.threads-max`,
  fix: 'end some processes, or raise the limit (ulimit -u; systemd: TasksMax=; Docker: --pids-limit)',
} satisfies Cause<OpName>

function nprocText({ rlimits }: Host): string {
  const limit = rlimits.RLIMIT_NPROC
  if (limit === undefined) return 'RLIMIT_NPROC'
  return `RLIMIT_NPROC (${limitText(limit.soft)} soft, ${limitText(limit.hard)} hard)`
}

/** A value below this is a choice of the administrator's, and not a usage that grew. */
const FEW = 1000

/** What a new user namespace begins with: the limit is one of those around it. */
const UNLIMITED = 2 ** 31 - 1

/** ENOSPC, and EUSERS before 4.9. */
export const usernsLimitCause = {
  errno: ['ENOSPC', 'EUSERS'],
  code: 'userns-limit',
  why: ({ host }) => {
    const value = host.maxUserNamespaces
    if (value === 0) return 'user.max_user_namespaces is 0'
    const known = value === undefined ? 'user.max_user_namespaces' : `user.max_user_namespaces (${value})`
    return `${known} is used up, here or in a user namespace around us, or they are nested deeper than 32`
  },
  fix: ({ host }) => {
    if ((host.maxUserNamespaces ?? 0) >= UNLIMITED)
      return 'whoever made the user namespace around us must allow more (bwrap: without --disable-userns), or end some sandboxes (lsns -t user lists them)'
    const value = Math.max(15_000, (host.maxUserNamespaces ?? 0) * 2)
    const keep = `to keep it: echo user.max_user_namespaces=${value} | sudo tee /etc/sysctl.d/99-userns.conf`
    const raise = `sudo sysctl -w user.max_user_namespaces=${value}; ${keep}`
    return (host.maxUserNamespaces ?? 0) < FEW ? raise : `end some sandboxes (lsns -t user lists them), or: ${raise}`
  },
} satisfies Cause<OpName>
