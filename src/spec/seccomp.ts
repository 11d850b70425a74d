/** The words of `linux.seccomp`, see seccomp(2). Re-exported by `types.ts`. */

export type SeccompAction =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_NOTIFY'

export type SeccompOperator =
  | 'SCMP_CMP_NE'
  | 'SCMP_CMP_LT'
  | 'SCMP_CMP_LE'
  | 'SCMP_CMP_EQ'
  | 'SCMP_CMP_GE'
  | 'SCMP_CMP_GT'
  | 'SCMP_CMP_MASKED_EQ'

export interface Seccomp {
  readonly defaultAction: SeccompAction
  /** errno for ERRNO and TRACE; EPERM when absent. */
  readonly defaultErrnoRet?: number
  /** Such as `SCMP_ARCH_X86_64`. */
  readonly architectures?: readonly string[]
  readonly flags?: readonly string[]
  /** Socket that gets the notification descriptor. */
  readonly listenerPath?: string
  readonly listenerMetadata?: string
  readonly syscalls?: readonly SyscallRule[]
}

export interface SyscallRule {
  readonly names: readonly string[]
  readonly action: SeccompAction
  readonly errnoRet?: number
  readonly args?: readonly SyscallArgument[]
}

export interface SyscallArgument {
  /** 0 to 5. */
  readonly index: number
  readonly value: number
  /** Second operand of MASKED_EQ. */
  readonly valueTwo?: number
  readonly op: SeccompOperator
}
