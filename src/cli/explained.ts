/** `--explain` of `sandbox` and `try`: the policy is told, and nothing is run. */
import { RuntimeError } from '../base/errors.ts'
import type { Merged } from '../sandbox/merge.ts'
import type { Session } from './session.ts'

interface Asked {
  readonly explain: boolean
  readonly json: boolean
}

/** Was it told? @throws RuntimeError `usage`, and what a policy that does not hold throws */
export async function explained({ explain, json }: Asked, merged: Merged, session: Session): Promise<boolean> {
  if (!explain) {
    if (json) throw new RuntimeError('usage', { what: '--json is for --explain: a command prints what it likes' })
    return false
  }
  const { explainForeground } = await import('../sandbox/foreground.ts')
  const { printPolicy, printPolicyJson } = await import('./print/policy.ts')
  const explanation = explainForeground(merged, await session.host())
  session.print(json ? printPolicyJson(explanation) : printPolicy(explanation))
  return true
}
