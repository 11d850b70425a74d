/** A sandbox for a person at a terminal: the caller's own descriptors, forwarded signals, shells' exit codes. */
import { isRuntimeError, RuntimeError } from '../base/errors.ts'
import { exitStatus } from '../container/foreground.ts'
import { isolateBlocking } from '../container/isolate-blocking.ts'
import type { Host } from '../host/facts.ts'
import type { Plan } from '../kernel/plan.ts'
import { compileSandbox } from './compile.ts'
import { inSandboxWords } from './failure.ts'
import { checkOptions, type SandboxOptions } from './options.ts'
import { choosePolicy } from './policy.ts'

const TIMED_OUT = 124

/** A command that shares our terminal could type into it with TIOCSTI, where the kernel still has that. */
const needsNewSession = (host: Host): boolean => host.legacyTiocsti

export function planForeground(options: SandboxOptions, argv: readonly string[], host: Host): Plan {
  if (argv.length === 0) throw new RuntimeError('sandbox-option', { what: 'a sandbox needs a command to run' })
  const policy = choosePolicy(checkOptions(options, host.cwd), host)
  const newSession = needsNewSession(host)
  return compileSandbox(policy, { argv, env: {}, cwd: policy.cwd, umask: process.umask(), newSession })
}

/**
 * @returns the command's exit code, 124 after the time-out, 128+n after a signal
 * @throws RuntimeError when the command could not be run
 */
export async function runForeground(options: SandboxOptions, argv: readonly string[], host: Host): Promise<number> {
  const { timeout } = checkOptions(options, host.cwd)
  const plan = planForeground(options, argv, host)
  try {
    const { ended, timedOut } = await isolateBlocking(plan, { host, timeout, sharesSession: !needsNewSession(host) })
    return timedOut ? TIMED_OUT : exitStatus(ended)
  } catch (error) {
    throw isRuntimeError(error) ? inSandboxWords(error, plan) : error
  }
}
