/** The filter of a sandbox as one step of init, compiled once for each kind of policy. */
import type { Host } from '../host/facts.ts'
import type { Op } from '../kernel/plan.ts'
import { programText } from '../linux/seccomp/bpf.ts'
import { compileFilter } from '../linux/seccomp/compile.ts'
import { hasWaitKillable } from '../spec/seccomp-names.ts'
import type { Seccomp } from '../spec/types.ts'
import { channelsOf } from './channels.ts'
import { observedProfile } from './denials/watched.ts'
import type { Policy } from './policy.ts'
import { type CallPolicy, callProfile } from './system-calls.ts'

/** linux/seccomp.h: without it every program would pay for mitigations of speculation that it did not ask for. */
const SPEC_ALLOW = 4
const NEW_LISTENER = 8
/** What the observer has taken up no signal interrupts, so none is seen that would not be seen without it. */
const WAIT_KILLABLE = 32

const compiled = new Map<string, string>()

function programOf(kind: string, { accepted, ...rest }: CallPolicy, host: Host, profile: () => Seccomp): string {
  const key = JSON.stringify([kind, host.arch, rest, [...accepted]])
  const known = compiled.get(key)
  const program = known ?? programText(compileFilter(profile(), host.arch).program)
  if (known === undefined) compiled.set(key, program)
  return program
}

export function callPolicyOf({ options, standing, sharesGroup = false }: Policy): CallPolicy {
  const { net, nested, ports, accept } = options
  const withoutNamespaces = standing.level === 'L'
  return {
    nested: nested && !withoutNamespaces,
    withoutNamespaces,
    network: !withoutNamespaces || net === 'host',
    sharesGroup,
    onlyTcp: ports !== undefined,
    accepted: accept,
  }
}

/** The filter itself, which an observer answers by. */
export function fenceOf(policy: Policy): { program: string; architectures: readonly string[] } {
  const calls = callPolicyOf(policy)
  const profile = () => callProfile(calls)
  return { program: programOf('fence', calls, policy.host, profile), architectures: profile().architectures ?? [] }
}

export interface Wishes {
  /** With an observer, which gets the listener. */
  readonly isWatched: boolean
  /** Descriptors behind the standard ones that the program gets. */
  readonly keepFds: number
}

export function planCalls(policy: Policy, { isWatched, keepFds }: Wishes): Op[] {
  const { host } = policy
  const origin = 'sandbox'
  if (!isWatched) {
    const { program } = fenceOf(policy)
    return [{ op: 'seccomp', program, flags: SPEC_ALLOW, raise: 0, keepFds, origin }]
  }
  const calls = callPolicyOf(policy)
  const program = programOf('observed', calls, host, () => observedProfile(callProfile(calls)))
  const flags = SPEC_ALLOW | NEW_LISTENER | (hasWaitKillable(host.kernel) ? WAIT_KILLABLE : 0)
  return [{ op: 'observe', program, flags, channel: channelsOf(policy).observer, origin: 'denials' }]
}
