/** What is wrong with a filter on this host, before anything is made. */
import { error, type Issue } from '../../base/issue.ts'
import type { Host } from '../../host/facts.ts'
import { CAP_SYS_ADMIN } from '../../kernel/constants.ts'
import type { Op } from '../../kernel/plan.ts'
import { hasWaitKillable, WAIT_KILLABLE_RECV } from '../../spec/seccomp-names.ts'
import type { Process, Spec } from '../../spec/types.ts'
import { MAX_INSTRUCTIONS } from './bpf.ts'
import { needsSysAdmin } from './plan.ts'

export interface FilterChecks {
  readonly host: Host
  readonly process: Process
  /** Capabilities that init has at most. */
  readonly available: bigint
}

const DIGITS = 16

export function checkFilter({ linux }: Spec, { host, process, available }: FilterChecks): Issue[] {
  const seccomp = linux?.seccomp
  if (seccomp === undefined) return []
  const pointer = '/linux/seccomp'
  if (host.arch === 'other') return [error(pointer, 'filters are built for x86-64 and arm64 only')]
  const waits = (seccomp.flags ?? []).indexOf(WAIT_KILLABLE_RECV)
  return [
    ...(needsSysAdmin(seccomp, process) && (available & CAP_SYS_ADMIN) === 0n
      ? [
          error(
            pointer,
            'needs process.noNewPrivileges here: without it the kernel asks for CAP_SYS_ADMIN, which we lack',
          ),
        ]
      : []),
    ...(waits >= 0 && !hasWaitKillable(host.kernel)
      ? [error(`${pointer}/flags/${waits}`, `needs Linux 5.19, and this is ${host.kernel.release}`)]
      : []),
  ]
}

/** The kernel takes 4096 instructions (BPF_MAXINSNS). */
export function checkLength(ops: readonly Op[]): Issue[] {
  return ops.flatMap((op) => {
    const length = op.op === 'seccomp' ? op.program.length / DIGITS : 0
    if (length <= MAX_INSTRUCTIONS) return []
    return [error(op.origin, `is too long: ${length} instructions, and the kernel takes ${MAX_INSTRUCTIONS} at most`)]
  })
}
