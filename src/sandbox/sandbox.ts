/** Sandboxes for programs: each one a policy, each command in it a fresh set of namespaces. */
import { EventEmitter } from 'node:events'
import { RuntimeError } from '../base/errors.ts'
import type { Degradation } from '../base/issue.ts'
import { readHost } from '../host/host.ts'
import type { Level } from '../host/level.ts'
import type { Op, Plan } from '../kernel/plan.ts'
import { capture } from './capture.ts'
import { Command, type SandboxedProcess, type Stdio } from './command.ts'
import { compilerFor, type Parts } from './compile.ts'
import { type Connector, connectorFor } from './egress/connector.ts'
import { Events, type SandboxEvents } from './events.ts'
import { layeredPolicy } from './layered.ts'
import {
  type ApplyOptions,
  type ApplyResult,
  applyLayer,
  type Backend,
  type Differing,
  type DiffOptions,
  diffLayer,
  discardLayer,
  type Layer,
  startIn,
} from './layers/index.ts'
import { mergePolicies } from './merge.ts'
import {
  absolute,
  type CheckedOptions,
  checkEnv,
  checkOptions,
  checkTimeout,
  type SandboxOptions,
  wrong,
} from './options.ts'
import type { Policy } from './policy.ts'
import { Pool } from './pool.ts'
import { SandboxError, type SandboxResult } from './result.ts'

export interface SpawnOptions {
  /** One for all three, or one each for stdin, stdout, stderr. Default `pipe`. */
  readonly stdio?: Stdio | readonly [Stdio, Stdio, Stdio]
  /** On top of the sandbox's own environment. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Milliseconds; the sandbox's own when absent. */
  readonly timeout?: number
  /** Aborting it kills the whole tree. */
  readonly cancelSignal?: AbortSignal
}

export interface RunOptions extends SpawnOptions {
  /** Written to the command's stdin, which is else empty. */
  readonly input?: string | Uint8Array
  /** `false` resolves with the result of a failed command instead of rejecting. Default `true`. */
  readonly reject?: boolean
  /** Bytes kept of each of stdout and stderr; what is more is dropped and `isMaxBuffer` set. Default 100 million. */
  readonly maxBuffer?: number
}

/** Also an emitter of what happens to its commands: `box.on('network', (event) => …)`. */
export interface Sandbox extends EventEmitter<SandboxEvents>, AsyncDisposable {
  /**
   * Runs a command to its end.
   * @throws SandboxError when it fails, is killed, canceled or times out; RuntimeError when it could not be run
   */
  run(argv: readonly string[], options?: RunOptions): Promise<SandboxResult>
  /** Starts a command and gives its streams. Disposing it, or the sandbox, kills the whole tree. */
  spawn(argv: readonly string[], options?: SpawnOptions): SandboxedProcess
  /** What `run` would do, as a launch plan. Runs nothing. */
  plan(argv: readonly string[], options?: SpawnOptions): Plan
  /** Settles when what `warm` asked for is there. */
  ready(): Promise<void>
  /** What is had in a weaker form than usual on this machine. */
  readonly degradations: readonly Degradation[]
  /** The isolation that commands get: see docs/levels.md. */
  readonly level: Level
  /** What changes are kept in, with the option `layer`. */
  readonly layer: LayerInfo | undefined
  /**
   * What the commands changed in the folders of the layer; nothing of it is on the host.
   * @throws RuntimeError `layer-busy` while a command runs, `sandbox-option` without a layer
   */
  diff(options?: DiffOptions): Promise<Differing[]>
  /**
   * Brings the changes to the host: all of them, or those at some paths. What the host changed meanwhile is an error
   * unless `conflicts` says who wins. After an interruption the next call goes on.
   * @throws RuntimeError `apply-conflict`, `apply-dangerous`, `apply-refused`, `apply-nothing`, `apply-failed`, `layer-busy`
   */
  apply(options?: ApplyOptions): Promise<ApplyResult>
  /** Removes the layer with all that is in it. @throws RuntimeError `layer-busy`, `layer-half-applied` */
  discard(): Promise<void>
}

export interface LayerInfo {
  readonly name: string
  /** Real paths of the directories that are tried. */
  readonly folders: readonly string[]
  readonly backend: Backend
}

const DEFAULT_MAX_BUFFER = 100_000_000

/** Nobody needs more at once on one machine, and each is a process. */
const MOST_WARM = 1024

export interface SandboxSettings {
  /**
   * How many are made in advance and wait, each for one command: it then starts in less time than a plain spawn takes. 0 to
   * 1024, default 0. What they show is what was there when they were made. When none is ready a command is started as ever.
   */
  readonly warm?: number
}

/**
 * A sandbox with this policy. Without `warm` it is cheap: nothing is made before the first command.
 * @throws RuntimeError `sandbox-option`, and with `warm` what a run may throw
 */
export function sandbox(options: SandboxOptions = {}, { warm = 0 }: SandboxSettings = {}): Sandbox {
  if (!Number.isInteger(warm) || warm < 0 || warm > MOST_WARM)
    throw wrong('warm', `${warm} is no whole number from 0 to ${MOST_WARM}`)
  const host = readHost()
  const { options: all } = mergePolicies([{ options, place: () => 'option' }], host)
  const { policy, layer } = layeredPolicy(checkOptions(all, host.cwd), host)
  if (warm > 0 && (policy.options.egress || policy.options.helper))
    throw wrong('warm', 'a network that is filtered or connected is made for each command')
  if (warm > 0 && layer !== undefined) throw wrong('warm', 'a layer is for one command at a time')
  return new PolicySandbox(policy, { warm, layer })
}

/** What is decided about the network is for `onNetwork`, and for whoever listens. */
function heardBy(events: Events, options: CheckedOptions): CheckedOptions {
  const { egress } = options
  if (egress === undefined) return options
  const { listener: own } = egress
  const listener: typeof own = (event) => {
    own?.(event)
    events.tell('network', event)
  }
  return { ...options, egress: { ...egress, listener, isHeard: () => own !== undefined || events.isHeard('network') } }
}

class PolicySandbox extends EventEmitter<SandboxEvents> implements Sandbox {
  readonly #policy: Policy
  readonly #parts: Parts
  readonly #pool: Pool
  readonly #running = new Set<Command>()
  readonly #network: Connector | undefined

  readonly #layer: Layer | undefined

  constructor(policy: Policy, { warm, layer }: { warm: number; layer: Layer | undefined }) {
    super()
    this.#policy = policy
    this.#layer = layer
    this.#parts = compilerFor(policy, true)
    this.#pool = new Pool(warm, this.#parts.before)
    this.#network = connectorFor(heardBy(new Events(this), policy.options), policy.host)
  }

  ready(): Promise<void> {
    return this.#pool.ready()
  }

  get degradations(): readonly Degradation[] {
    return this.#policy.degradations
  }

  get level(): Level {
    return this.#policy.standing.level
  }

  plan(argv: readonly string[], options: SpawnOptions = {}): Plan {
    return this.#whole(this.#commandOps(argv, options))
  }

  #whole(rest: readonly Op[]): Plan {
    return { ops: [...this.#parts.before, ...rest], degradations: this.#policy.degradations }
  }

  #commandOps(argv: readonly string[], options: SpawnOptions): Op[] {
    if (argv.length === 0) throw new RuntimeError('sandbox-option', { what: 'a sandbox needs a command to run' })
    if (argv.some((arg) => arg.includes('\0')))
      throw new RuntimeError('sandbox-option', { what: 'an argument of the command holds a NUL' })
    const { host, cwd: usual } = this.#policy
    const cwd = options.cwd === undefined ? usual : absolute(options.cwd, 'cwd', host.cwd)
    return this.#parts.command({
      argv,
      env: checkEnv(options.env ?? {}),
      cwd,
      umask: process.umask(),
      newSession: true,
    })
  }

  spawn(argv: readonly string[], options: SpawnOptions = {}): SandboxedProcess {
    return this.#start(argv, options)
  }

  #start(argv: readonly string[], options: SpawnOptions): Command {
    const { stdio = 'pipe' } = options
    const { host } = this.#policy
    const rest = this.#commandOps(argv, options)
    const plan = this.#whole(rest)
    const wishes = {
      argv,
      stdio: typeof stdio === 'object' ? stdio : ([stdio, stdio, stdio] as const),
      host,
      level: this.level,
      unprotected: this.#policy.unprotected,
      network: this.#network,
      timeout: checkTimeout(options.timeout) ?? this.#policy.options.timeout,
      cancelSignal: options.cancelSignal,
      begin: (fds: readonly number[]) => this.#pool.run(rest, fds, host),
    }
    const command = startIn(this.#layer, argv, (onEnd) => new Command(plan, { ...wishes, onEnd }))
    this.#running.add(command)
    this.#pool.count(command.exited)
    const gone = () => this.#running.delete(command)
    command.exited.then(gone, gone)
    return command
  }

  get layer(): LayerInfo | undefined {
    if (this.#layer === undefined) return undefined
    const { name, folders, backend } = this.#layer.record
    return { name, folders, backend }
  }

  async diff(options: DiffOptions = {}): Promise<Differing[]> {
    return diffLayer(this.#neededLayer(), options)
  }

  async apply(options: ApplyOptions = {}): Promise<ApplyResult> {
    const { cwd } = this.#policy.host
    const paths = options.paths?.map((path) => absolute(path, 'paths', cwd))
    return applyLayer(this.#neededLayer(), paths === undefined ? options : { ...options, paths })
  }

  async discard(): Promise<void> {
    discardLayer(this.#neededLayer())
  }

  #neededLayer(): Layer {
    if (this.#layer !== undefined) return this.#layer
    throw wrong('layer', 'this sandbox was made without one')
  }

  async run(argv: readonly string[], options: RunOptions = {}): Promise<SandboxResult> {
    const { input, reject = true, maxBuffer = DEFAULT_MAX_BUFFER, stdio = 'pipe' } = options
    const [, out, err] = typeof stdio === 'object' ? stdio : [stdio, stdio, stdio]
    const command = this.#start(argv, { ...options, stdio: [input === undefined ? 'ignore' : 'pipe', out, err] })
    if (input !== undefined) command.stdin?.end(input)
    const [exited, stdout, stderr] = await Promise.all([
      command.exited,
      capture(command.stdout, maxBuffer),
      capture(command.stderr, maxBuffer),
    ])
    const isMaxBuffer = stdout.isCut || stderr.isCut
    const result = { ...exited, stdout: stdout.text, stderr: stderr.text, isMaxBuffer }
    if (result.failed && reject) throw new SandboxError(result)
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#pool.end(), ...[...this.#running].map((command) => command[Symbol.asyncDispose]())])
  }
}
