/** The policy of a call of `sandbox` or `plan`: its options, and what the environment and the files add. */
import type { Merged } from '../sandbox/merge.ts'
import type { SandboxValues } from './flags.ts'
import { readSandboxOptions } from './sandbox-options.ts'
import type { Session } from './session.ts'

/** Throws `usage`, and what `gatherPolicy` throws. */
export async function readPolicy(flags: SandboxValues, session: Session): Promise<Merged> {
  const layer = { options: readSandboxOptions(flags, session), place: (rule: string) => `--${rule}` }
  const host = await session.host()
  const { hasPolicySources } = await import('../sandbox/sources.ts')
  if (flags['no-config'] || !hasPolicySources(host)) {
    const { mergePolicies } = await import('../sandbox/merge.ts')
    return mergePolicies([layer], host)
  }
  const { gatherPolicy } = await import('../sandbox/gather.ts')
  return await gatherPolicy(layer, host)
}
