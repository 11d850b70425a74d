/** A sandbox for a person at a terminal: the caller's own descriptors, forwarded signals, shells' exit codes. */
import { isRuntimeError, RuntimeError } from '../base/errors.ts'
import { isTerminal } from '../base/files.ts'
import { exitStatus } from '../container/foreground.ts'
import type { HeldLimit } from '../container/hold/amounts.ts'
import { isolateBlocking } from '../container/isolate-blocking.ts'
import type { Host } from '../host/facts.ts'
import { signalNumber } from '../kernel/constants.ts'
import type { Plan } from '../kernel/plan.ts'
import { Command } from './command.ts'
import { compileSandbox } from './compile.ts'
import type { Denial } from './denials/shape.ts'
import { connectorFor } from './egress/connect.ts'
import type { Connector } from './egress/connector.ts'
import { type Explanation, explainPolicy } from './explain.ts'
import { inSandboxWords } from './failure.ts'
import { holderOf } from './holder-of.ts'
import { layeredPolicy } from './layered.ts'
import { type Layer, useLayer } from './layers/index.ts'
import type { Merged } from './merge.ts'
import { wrong } from './option-values.ts'
import { checkOptions, type SandboxOptions } from './options.ts'
import { choosePolicy, type Policy } from './policy.ts'
import { plantedOf } from './protect.ts'
import { reachedWords } from './reached.ts'

const TIMED_OUT = 124
const STDERR = 2
const [SIGKILL, SIGTERM] = [9, 15]

/**
 * For job control the command shares our session, but not without need: not without a terminal, and not where it could type
 * into it with TIOCSTI.
 */
const atTerminal = (policy: Policy): Policy => {
  const { host, standing } = policy
  return { ...policy, sharesGroup: standing.level !== 'L' && !host.legacyTiocsti && [0, 1, 2].some(isTerminal) }
}

export function planForeground(options: SandboxOptions, argv: readonly string[], host: Host): Plan {
  return planOf(policyOf(options, argv, host), argv)
}

/** What it would be, in words. Runs nothing. */
export function explainForeground(merged: Merged, host: Host): Explanation {
  const policy = choosePolicy(checkOptions(merged.options, host.cwd), host)
  return { level: policy.standing.level, rules: explainPolicy(policy, merged) }
}

function policyOf(options: SandboxOptions, argv: readonly string[], host: Host): Policy {
  if (argv.length === 0) throw new RuntimeError('sandbox-option', { what: 'a sandbox needs a command to run' })
  return atTerminal(choosePolicy(checkOptions(options, host.cwd), host))
}

function planOf(policy: Policy, argv: readonly string[]): Plan {
  const newSession = policy.sharesGroup !== true
  const { isObserved: isWatched } = policy.options
  return compileSandbox(policy, { argv, env: {}, cwd: policy.cwd, umask: process.umask(), newSession, isWatched })
}

export interface Surroundings {
  readonly host: Host
  /** Something to be told that is no error. */
  readonly note: (message: string) => void
  /** Descriptors for its init, of a layer that is served. */
  readonly channels?: readonly number[]
  readonly onStuck?: (() => void) | undefined
  /** Hears what the command uses, while a policy is learnt from it; its output then goes to our standard error. */
  readonly onUse?: ((use: Denial) => void) | undefined
}

export interface Tried {
  readonly status: number
  readonly layer: Layer
}

/**
 * The same in a layer: the host's files stay as they are. `onLayer` is told of the layer before the command runs.
 * @throws RuntimeError `layer-…`, or when the command could not be run
 */
export async function tryForeground(
  options: SandboxOptions,
  argv: readonly string[],
  { onLayer, ...surroundings }: Surroundings & { onLayer: (layer: Layer) => void },
): Promise<Tried> {
  const { host } = surroundings
  const checked = checkOptions(options, host.cwd)
  if (argv.length === 0) throw new RuntimeError('sandbox-option', { what: 'a sandbox needs a command to run' })
  const { policy, layer } = layeredPolicy(checked, host)
  if (layer === undefined) throw wrong('layer', 'nothing is tried without one')
  const use = useLayer(layer, argv, policy)
  let troubles: readonly string[] = []
  try {
    onLayer(layer)
    const { channels, onStuck } = use
    return { status: await runPolicy(atTerminal(policy), argv, { ...surroundings, channels, onStuck }), layer }
  } catch (error) {
    troubles = use.end()
    throw isRuntimeError(error) && troubles.length > 0 ? error.withDetails(troubles) : error
  } finally {
    for (const trouble of use.end()) surroundings.note(trouble)
  }
}

/**
 * @returns the command's exit code, 124 after the time-out, 128+n after a signal
 * @throws RuntimeError when the command could not be run
 */
export async function runForeground(
  options: SandboxOptions,
  argv: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  return await runPolicy(policyOf(options, argv, surroundings.host), argv, surroundings)
}

async function runPolicy(policy: Policy, argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { host, note, onUse, channels, onStuck } = surroundings
  const { timeout, grace } = policy.options
  const network = connectorFor(policy.options, host)
  const plan = planOf(policy, argv)
  if (network || policy.options.isObserved)
    return await runConnected(policy, network, { plan, argv, note, onUse, channels, onStuck })
  try {
    using holder = holderOf(policy)
    const sharesSession = policy.sharesGroup === true
    const wishes = { host, timeout, grace, sharesSession, behind: channels, onStuck }
    const outcome = await isolateBlocking(plan, { ...wishes, hold: holder?.begin() })
    const { ended, timedOut, limits } = outcome
    tellReached(limits, note)
    tellPlanted(plantedOf(policy.unprotected), note)
    return timedOut ? TIMED_OUT : exitStatus(ended)
  } catch (error) {
    throw isRuntimeError(error) ? inSandboxWords(error, plan) : error
  }
}

function tellPlanted(paths: readonly string[], note: Surroundings['note']): void {
  for (const path of paths) note(`the command made ${path}: look at it before something runs it`)
}

function tellReached(limits: readonly HeldLimit[], note: Surroundings['note']): void {
  for (const words of reachedWords(limits)) note(words)
}

interface Start {
  readonly plan: Plan
  readonly argv: readonly string[]
  readonly note: Surroundings['note']
  readonly onUse: Surroundings['onUse']
  readonly channels: Surroundings['channels']
  readonly onStuck: Surroundings['onStuck']
}

/** We are its way to the network, or see what it is denied, so we stay, with an event loop. */
async function runConnected(
  policy: Policy,
  network: Connector | undefined,
  { plan, argv, note, onUse, channels = [], onStuck }: Start,
): Promise<number> {
  const { host, options, standing, unprotected } = policy
  using holder = holderOf(policy)
  const command = new Command(plan, {
    hold: () => holder?.begin(),
    channels,
    onStuck,
    argv,
    stdio: ['inherit', onUse ? STDERR : 'inherit', 'inherit'],
    host,
    level: standing.level,
    groups: policy.groups,
    unprotected,
    ending: {
      timeout: options.timeout,
      cancelSignal: undefined,
      killSignal: options.grace ? SIGTERM : SIGKILL,
      forceKillAfterDelay: options.grace ?? 0,
    },
    network,
    watch: options.isObserved ? { policy, onDenial: options.onDenial, onUse } : undefined,
    signals: { sharesSession: policy.sharesGroup === true },
  })
  const { timedOut, exitCode, signal, planted, limits } = await command.exited
  tellReached(limits, note)
  tellPlanted(planted, note)
  if (timedOut) return TIMED_OUT
  return exitStatus({ exitCode, signal: signal === undefined ? undefined : signalNumber(signal) })
}
