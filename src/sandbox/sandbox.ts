/** Sandboxes for programs: what is asked is checked, and becomes one. */
import { readHost } from '../host/host.ts'
import type { Sandbox, SandboxSettings } from './api.ts'
import { sharedOf } from './ceiling.ts'
import { checkSandboxCall } from './check-call.ts'
import { holderOf } from './holder-of.ts'
import { layeredPolicy } from './layered.ts'
import { mergePolicies } from './merge.ts'
import { checkNames, type Names, wrong } from './option-values.ts'
import { checkOptions, type SandboxOptions } from './options.ts'
import { PolicySandbox } from './policy-sandbox.ts'

/** Nobody needs more at once on one machine, and each is a process. */
const MOST_WARM = 1024
const settingNames: Names<SandboxSettings> = { warm: true, ceiling: true }

/**
 * A sandbox with this policy. Without `warm` it is cheap: nothing is made before the first command.
 * @throws RuntimeError `sandbox-option`, and with `warm` what a run may throw
 */
export function sandbox(options: SandboxOptions = {}, settings: SandboxSettings = {}): Sandbox {
  checkSandboxCall(options)
  checkNames(settings, settingNames)
  const { warm = 0, ceiling } = settings
  if (!Number.isInteger(warm) || warm < 0 || warm > MOST_WARM)
    throw wrong('warm', `${warm} is no whole number from 0 to ${MOST_WARM}`)
  const host = readHost()
  const { options: all } = mergePolicies([{ options, place: () => 'option' }], host)
  const { policy, layer } = layeredPolicy(checkOptions(all, host.cwd), host)
  if (warm > 0 && (policy.options.egress || policy.options.helper))
    throw wrong('warm', 'a network that is filtered or connected is made for each command')
  if (warm > 0 && layer !== undefined) throw wrong('warm', 'a layer is for one command at a time')
  if (warm > 0 && policy.options.isObserved) throw wrong('warm', 'what sees denials is made for each command')
  const holder = holderOf(policy, ceiling && sharedOf(ceiling))
  return new PolicySandbox(policy, { warm, layer, holder })
}
