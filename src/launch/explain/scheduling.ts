/** CPUs, scheduling, priorities, memory nodes, and the labels of security modules. */
import { schedulerPolicies } from '../../kernel/scheduling.ts'
import type { Attempt, Table } from './entry.ts'

type Names = 'affinity' | 'scheduler' | 'ioPriority' | 'memoryPolicy' | 'personality'

const policyName = ({ op }: Attempt<'scheduler'>): string =>
  Object.entries(schedulerPolicies).find(([, number]) => number === Number(op.policy))?.[0] ?? String(op.policy)

const isDeadline = ({ op }: Attempt<'scheduler'>): boolean => Number(op.policy) === schedulerPolicies.SCHED_DEADLINE

const isRealRoot = ({ host }: Attempt<'scheduler'>): boolean => host.realRoot

const filtered = 'probably a seccomp filter around us forbids the call, or CAP_SYS_NICE of the host is missing'

export const explainScheduling: Table<Names> = {
  affinity: {
    code: 'setup-failed',
    what: ({ op }) => `cannot set the CPU affinity to ${op.cpus.join(',')}`,
    causes: [
      {
        errno: 'EINVAL',
        why: 'none of these CPUs is there, or the cpuset of the cgroup allows none of them',
        fix: 'correct the list; cat /sys/fs/cgroup/…/cpuset.cpus.effective and nproc --all show the CPUs',
      },
    ],
  },
  scheduler: {
    code: 'setup-failed',
    what: (attempt) => `cannot set the scheduling policy ${policyName(attempt)}`,
    causes: [
      {
        errno: 'EPERM',
        when: (attempt) => isDeadline(attempt) && isRealRoot(attempt),
        what: "process scheduler can't be used together with AllowedCPUs",
        why: 'SCHED_DEADLINE needs all CPUs of the machine, and the cpuset of the cgroup leaves some out',
        fix: 'remove process.scheduler, or linux.resources.cpu.cpus',
      },
      {
        errno: 'EPERM',
        why: 'only real root in its own user namespace, or RLIMIT_RTPRIO and RLIMIT_NICE of the caller, allow it',
        fix: 'use SCHED_OTHER, SCHED_BATCH or SCHED_IDLE with a nice of at least our own, or raise the limits (limits.conf: rtprio, nice)',
      },
      {
        errno: 'EBUSY',
        why: 'the machine has not as much time left as runtime and period ask for',
        fix: 'ask for less runtime, or a longer period',
      },
      {
        errno: ['EINVAL', 'E2BIG'],
        why: 'the kernel does not take these values; SCHED_DEADLINE needs 1024 ≤ runtime ≤ deadline ≤ period (nanoseconds)',
        fix: 'correct process.scheduler; see sched_setattr(2)',
      },
    ],
  },
  ioPriority: {
    code: 'setup-failed',
    what: 'cannot set the I/O priority',
    causes: [
      {
        errno: 'EPERM',
        why: 'only real root may use IOPRIO_CLASS_RT',
        fix: 'use IOPRIO_CLASS_BE with a priority from 0 to 7',
      },
    ],
  },
  memoryPolicy: {
    code: 'setup-failed',
    what: 'cannot set the memory policy',
    causes: [
      {
        errno: 'EINVAL',
        why: 'none of the nodes is there, or the cpuset of the cgroup allows none of them; or this kernel does not know the mode',
        fix: 'correct linux.memoryPolicy; numactl --hardware shows the nodes',
      },
      {
        errno: 'EPERM',
        why: filtered,
        fix: 'remove linux.memoryPolicy, or allow set_mempolicy in the outer container',
      },
      {
        errno: 'ENOSYS',
        why: 'this kernel is built without NUMA',
        fix: 'remove linux.memoryPolicy',
      },
    ],
  },
  personality: { code: 'setup-failed', what: 'cannot set the execution domain (personality)', causes: [] },
}
