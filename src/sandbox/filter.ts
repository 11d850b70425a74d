/** The filter of a sandbox as one step of init, compiled once for each kind of policy. */
import type { Host } from '../host/facts.ts'
import type { Op } from '../kernel/plan.ts'
import { programText } from '../linux/seccomp/bpf.ts'
import { compileFilter } from '../linux/seccomp/compile.ts'
import { type CallPolicy, callProfile } from './system-calls.ts'

/** linux/seccomp.h: without it every program would pay for mitigations of speculation that it did not ask for. */
const SPEC_ALLOW = 4

const compiled = new Map<string, string>()

export function planCalls(policy: CallPolicy, host: Host): Op[] {
  const { accepted, ...rest } = policy
  const key = JSON.stringify([host.arch, rest, [...accepted]])
  const known = compiled.get(key)
  const program = known ?? programText(compileFilter(callProfile(policy), host.arch).program)
  if (known === undefined) compiled.set(key, program)
  return [{ op: 'seccomp', program, flags: SPEC_ALLOW, raise: 0, keepFds: 0, origin: 'sandbox' }]
}
