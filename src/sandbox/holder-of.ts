/** What holds the limits of a sandbox's commands. */
import type { Shared } from '../container/hold/ceiling.ts'
import { Holder } from '../container/hold/holder.ts'
import type { Policy } from './policy.ts'

/** Undefined where nothing is limited. @throws RuntimeError `policy-unenforceable` */
export function holderOf(policy: Policy, ceiling?: Shared): Holder | undefined {
  const { way, host, options, standing } = policy
  if (way === undefined && ceiling === undefined) return undefined
  return new Holder({
    way,
    ceiling,
    host,
    level: standing.level,
    nested: options.nested,
    amounts: options.limits.amounts,
    needsCgroup: options.require.includes('cgroups'),
    mayBeLoose: options.accept.has('limits'),
  })
}
