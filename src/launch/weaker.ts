/** What init could only do in a weaker way, in words. Pure. */
import type { Degradation } from '../base/issue.ts'
import type { Op } from '../kernel/plan.ts'

/** The ops that have a weaker way: see report_weaker in native/init. */
export function describeWeaker(op: Op | undefined): Degradation[] {
  if (op?.op === 'pivot')
    return [
      { pointer: op.origin, message: 'the old root stays mounted beneath the new one: pivot_root is refused here' },
    ]
  if (op?.op === 'user')
    return [
      { pointer: op.origin, message: "the caller's groups stay: the user namespace that was joined denies setgroups" },
    ]
  if (op?.op === 'keyring')
    return [{ pointer: op.origin, message: "the caller's session keyring is shared: a new one was refused" }]
  if (op?.op === 'tmpfs')
    return [
      {
        pointer: op.origin,
        message: `the copy at ${op.target} is without its devices, or without owners and attributes that cannot be kept`,
      },
    ]
  if (op?.op === 'attr')
    return [
      {
        pointer: op.origin,
        message: `the access times of ${op.target} stay as those of its source: they are locked in a user namespace, and --allow-missing says so`,
        loud: true,
      },
    ]
  return []
}
