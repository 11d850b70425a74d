/** Numbers of the kernel's interface for scheduling, I/O and memory. Each block names its uapi header. */
import type { IoPriority, MemoryPolicy, Personality, Scheduler } from '../spec/types.ts'

/** linux/sched.h. The kernel keeps 4 for SCHED_ISO and has none: EINVAL. */
export const schedulerPolicies: Readonly<Record<Scheduler['policy'], number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
}

/** linux/sched.h: flags of sched_setattr(2). */
export const schedulerFlags: Readonly<Record<string, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
}

/** linux/ioprio.h: the class lies above 13 bits of priority. */
export const ioPriorityClasses: Readonly<Record<IoPriority['class'], number>> = {
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
}
export const IOPRIO_CLASS_SHIFT = 13

/** linux/mempolicy.h */
export const memoryModes: Readonly<Record<MemoryPolicy['mode'], number>> = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
}

/** linux/mempolicy.h: they are part of the mode. */
export const memoryFlags: Readonly<Record<string, number>> = {
  MPOL_F_STATIC_NODES: 1 << 15,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_NUMA_BALANCING: 1 << 13,
}

/** linux/personality.h */
export const personalities: Readonly<Record<Personality['domain'], number>> = { LINUX: 0, LINUX32: 8 }
