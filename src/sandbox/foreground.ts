/** A sandbox for a person at a terminal: the caller's own descriptors, forwarded signals, shells' exit codes. */
import { isRuntimeError, RuntimeError } from '../base/errors.ts'
import { exitStatus } from '../container/foreground.ts'
import { isolateBlocking } from '../container/isolate-blocking.ts'
import type { Host } from '../host/facts.ts'
import type { Plan } from '../kernel/plan.ts'
import { compileSandbox } from './compile.ts'
import { inSandboxWords } from './failure.ts'
import { checkOptions, type SandboxOptions } from './options.ts'
import { choosePolicy, type Policy } from './policy.ts'
import { plantedOf } from './protect.ts'

const TIMED_OUT = 124

/** A command that shares our terminal could type into it with TIOCSTI, where the kernel still has that. */
const needsNewSession = (host: Host): boolean => host.legacyTiocsti

export function planForeground(options: SandboxOptions, argv: readonly string[], host: Host): Plan {
  return planOf(policyOf(options, argv, host), argv)
}

function policyOf(options: SandboxOptions, argv: readonly string[], host: Host): Policy {
  if (argv.length === 0) throw new RuntimeError('sandbox-option', { what: 'a sandbox needs a command to run' })
  return choosePolicy(checkOptions(options, host.cwd), host)
}

function planOf(policy: Policy, argv: readonly string[]): Plan {
  const newSession = needsNewSession(policy.host)
  return compileSandbox(policy, { argv, env: {}, cwd: policy.cwd, umask: process.umask(), newSession })
}

export interface Surroundings {
  readonly host: Host
  /** Something to be told that is no error. */
  readonly note: (message: string) => void
}

/**
 * @returns the command's exit code, 124 after the time-out, 128+n after a signal
 * @throws RuntimeError when the command could not be run
 */
export async function runForeground(
  options: SandboxOptions,
  argv: readonly string[],
  { host, note }: Surroundings,
): Promise<number> {
  const policy = policyOf(options, argv, host)
  const { timeout } = policy.options
  const plan = planOf(policy, argv)
  try {
    const { ended, timedOut } = await isolateBlocking(plan, { host, timeout, sharesSession: !needsNewSession(host) })
    for (const path of plantedOf(policy.unprotected))
      note(`the command made ${path}: look at it before something runs it`)
    return timedOut ? TIMED_OUT : exitStatus(ended)
  } catch (error) {
    throw isRuntimeError(error) ? inSandboxWords(error, plan) : error
  }
}
