/** A sandbox for a person at a terminal: the caller's own descriptors, forwarded signals, shells' exit codes. */
import { isRuntimeError, RuntimeError } from '../base/errors.ts'
import { forwardSignals } from '../container/signals.ts'
import type { Host } from '../host/facts.ts'
import { signalNumber } from '../kernel/constants.ts'
import type { Plan } from '../kernel/plan.ts'
import { Command } from './command.ts'
import { compileSandbox } from './compile.ts'
import { checkOptions, type SandboxOptions } from './options.ts'
import { choosePolicy } from './policy.ts'
import { exitCodeOf } from './result.ts'

export function planForeground(options: SandboxOptions, argv: readonly string[], host: Host): Plan {
  if (argv.length === 0) throw new RuntimeError('sandbox-option', { what: 'a sandbox needs a command to run' })
  const policy = choosePolicy(checkOptions(options, host.cwd), host)
  // A command that shares our terminal could type into it with TIOCSTI, where the kernel still has that.
  const newSession = host.legacyTiocsti || !process.stdin.isTTY
  return compileSandbox(policy, { argv, env: {}, cwd: policy.cwd, umask: process.umask(), newSession })
}

/**
 * @returns the command's exit code, 124 after the time-out, 128+n after a signal
 * @throws RuntimeError when the command could not be run: `exitCodeOf` gives its number
 */
export async function runForeground(options: SandboxOptions, argv: string[], host: Host): Promise<number> {
  const plan = planForeground(options, argv, host)
  const { timeout } = checkOptions(options, host.cwd)
  const command = new Command(plan, {
    argv,
    stdio: ['inherit', 'inherit', 'inherit'],
    host,
    timeout,
    cancelSignal: undefined,
  })
  const stop = forwardSignals((signal) => command.kill(signal))
  try {
    return exitCodeOf(await command.exited, signalNumber)
  } catch (error) {
    throw isRuntimeError(error) ? outsideView(error, plan, host) : error
  } finally {
    stop()
  }
}

/** A program that is there, but not in the view: say so, because its absence looks like a mistake of ours. */
function outsideView(error: RuntimeError, plan: Plan, host: Host): RuntimeError {
  if (error.code !== 'exec-not-found') return error
  const hidden = plan.ops.flatMap((op) =>
    op.op === 'mount' && op.fstype === 'tmpfs' && op.origin === 'sandbox' ? [op.target] : [],
  )
  const fix = `programs under ${hidden.join(', ')} are hidden; let one through with --ro PATH`
  return new RuntimeError('exec-not-found', {
    what: error.what,
    ...(error.why ? { why: error.why } : {}),
    fix,
    cause: { error, host: host.uid },
  })
}
