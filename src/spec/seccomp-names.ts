/** What a profile may say, in the order in which `features` lists it. The numbers are in `linux/seccomp/`. */
import type { SeccompAction, SeccompOperator } from './seccomp.ts'

export const seccompActions: readonly SeccompAction[] = [
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_TRAP',
]

export const seccompOperators: readonly SeccompOperator[] = [
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_LE',
  'SCMP_CMP_LT',
  'SCMP_CMP_MASKED_EQ',
  'SCMP_CMP_NE',
]

/** Those that filters are built for. Others may be named; the kernels of these machines cannot be called that way. */
export const seccompArchitectures = [
  'SCMP_ARCH_AARCH64',
  'SCMP_ARCH_ARM',
  'SCMP_ARCH_X32',
  'SCMP_ARCH_X86',
  'SCMP_ARCH_X86_64',
] as const

export const WAIT_KILLABLE_RECV = 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'

export const seccompFlags = [
  'SECCOMP_FILTER_FLAG_TSYNC',
  'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
  'SECCOMP_FILTER_FLAG_LOG',
  WAIT_KILLABLE_RECV,
] as const

/** All but one are older than any kernel that we run on. */
export const hasWaitKillable = ({ major, minor }: { readonly major: number; readonly minor: number }): boolean =>
  major > 5 || (major === 5 && minor >= 19)
