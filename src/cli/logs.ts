/** Does a sandbox of this call keep a log? What does that is loaded only then. */
import type { SandboxOptions } from '../sandbox/index.ts'
import type { DenialLog } from './denial-log.ts'
import type { SandboxValues } from './flags.ts'
import type { Session } from './session.ts'

/** @throws RuntimeError `usage` when a file of it cannot be opened */
export async function openLogs(
  flags: SandboxValues,
  policy: SandboxOptions,
  session: Session,
): Promise<DenialLog | undefined> {
  const wishes = { denials: flags['log-denials'], network: flags['net-log'] }
  if (wishes.denials === undefined && wishes.network === undefined && policy.allowHosts === undefined) return undefined
  const { DenialLog } = await import('./denial-log.ts')
  return new DenialLog(wishes, session)
}
