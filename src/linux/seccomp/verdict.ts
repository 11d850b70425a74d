/** What the kernel does with a call: the numbers of linux/seccomp.h. */
import type { SeccompAction } from '../../spec/types.ts'

const numbers: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
  SCMP_ACT_TRAP: 0x0003_0000,
  SCMP_ACT_ERRNO: 0x0005_0000,
  SCMP_ACT_NOTIFY: 0x7fc0_0000,
  SCMP_ACT_TRACE: 0x7ff0_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ALLOW: 0x7fff_0000,
}

const EPERM = 1
const ENOSYS = 38

/** A call by an architecture that the filter does not name. */
export const KILL = numbers.SCMP_ACT_KILL_THREAD
export const NO_SUCH_CALL = numbers.SCMP_ACT_ERRNO | ENOSYS

export function verdictOf(action: SeccompAction, errnoRet = EPERM): number {
  const carriesErrno = action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE'
  return carriesErrno ? numbers[action] + errnoRet : numbers[action]
}

const permissive: ReadonlySet<SeccompAction> = new Set(['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'])

/** A tracer is expected to handle calls that it does not know. */
export const isPermissive = (action: SeccompAction): boolean => permissive.has(action)
