/** The filter of system calls as one step of init, and when it comes. Pure. */
import type { Host } from '../../host/facts.ts'
import type { Op } from '../../kernel/plan.ts'
import { messages } from '../../kernel/plan-def.ts'
import type { Process, Seccomp, Spec } from '../../spec/types.ts'
import { programText } from './bpf.ts'
import { compileFilter } from './compile.ts'

export interface FilterPlan {
  /** While the parent still answers: it hands on the listener. */
  readonly early: readonly Op[]
  /** As late as can be: only hooks, which are to feel the filter, and the program come after it. */
  readonly late: readonly Op[]
  /** For whoever debugs a profile. */
  readonly notes: readonly string[]
}

export interface FilterScene {
  readonly host: Host
  readonly process: Process
  /** Descriptors 3 … 2+keepFds stay open in the program. */
  readonly keepFds: number
}

/** linux/seccomp.h. TSYNC is about the threads of a process, and init has one: there is nothing to ask for. */
const flagNumbers: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 0,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
}
const NEW_LISTENER = 8

export const asksForListener = ({ syscalls = [] }: Seccomp): boolean =>
  syscalls.some(({ action }) => action === 'SCMP_ACT_NOTIFY')

/** Without no_new_privs the kernel loads a filter only for CAP_SYS_ADMIN: seccomp(2). */
export const needsSysAdmin = (seccomp: Seccomp | undefined, process: Process): boolean =>
  seccomp !== undefined && process.noNewPrivileges !== true

/** As runc and crun do, an absent list of flags spares the program the mitigations of speculation: SPEC_ALLOW. */
function flagsOf(seccomp: Seccomp): number {
  const { flags = ['SECCOMP_FILTER_FLAG_SPEC_ALLOW'] } = seccomp
  const asked = flags.reduce((sum, flag) => sum | (flagNumbers[flag] ?? 0), 0)
  return asksForListener(seccomp) ? asked | NEW_LISTENER : asked
}

export function planFilter({ linux }: Spec, { host, process, keepFds }: FilterScene): FilterPlan {
  const seccomp = linux?.seccomp
  if (seccomp === undefined) return { early: [], late: [], notes: [] }
  const origin = '/linux/seccomp'
  const { program, unknown } = compileFilter(seccomp, host.arch)
  const flags = flagsOf(seccomp)
  const raise = needsSysAdmin(seccomp, process) ? 1 : 0
  const load: Op = { op: 'seccomp', program: programText(program), flags, raise, keepFds, origin }
  const notes = [
    ...unknown.map((name) => `unknown seccomp syscall ${JSON.stringify(name)} ignored`),
    `seccomp filter flags: ${flags}`,
  ]
  if (!asksForListener(seccomp)) return { early: [], late: [load], notes }
  return { early: [load, { op: 'wait', message: messages.taken, origin }], late: [], notes }
}
