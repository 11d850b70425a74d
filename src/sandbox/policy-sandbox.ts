/** One sandbox of a program: a policy, and each command in it a fresh set of namespaces. */
import { EventEmitter } from 'node:events'
import { isRuntimeError, RuntimeError } from '../base/errors.ts'
import type { Degradation } from '../base/issue.ts'
import type { HeldLimit } from '../container/hold/amounts.ts'
import type { Holder } from '../container/hold/holder.ts'
import type { Level } from '../host/level.ts'
import type { Op, Plan } from '../kernel/plan.ts'
import type { LayerInfo, Sandbox } from './api.ts'
import type { RunOptions, SandboxedProcess, ShellOptions, SpawnOptions } from './call.ts'
import { checkArgv, checkShellCall, checkSpawnCall } from './check-call.ts'
import { Command } from './command.ts'
import { compilerFor, type Parts } from './compile.ts'
import type { Denial } from './denials/shape.ts'
import type { WatchOptions } from './denials/watch.ts'
import { checkWatchable } from './denials/watchable.ts'
import { connectorFor } from './egress/connect.ts'
import type { Connector } from './egress/connector.ts'
import { checkEnding } from './ending.ts'
import { Events, heardBy, type SandboxEvents } from './events.ts'
import { labelOf } from './label.ts'
import { LayerVerbs } from './layer-verbs.ts'
import type { ApplyOptions, ApplyResult, Differing, DiffOptions, Layer, RollBackResult } from './layers/index.ts'
import { startIn } from './layers/index.ts'
import type { Demanded } from './level-words.ts'
import { heldAlways } from './limits.ts'
import { absolute } from './option-values.ts'
import { partsOf } from './parts.ts'
import type { Policy } from './policy.ts'
import { Pool } from './pool.ts'
import { tellReached } from './reached.ts'
import { neverRan, SandboxError, type SandboxResult } from './result.ts'
import { runToEnd } from './run.ts'
import { Shell } from './shell.ts'

export interface Belongings {
  readonly warm: number
  readonly layer: Layer | undefined
  readonly holder: Holder | undefined
}

export class PolicySandbox extends EventEmitter<SandboxEvents> implements Sandbox {
  readonly #policy: Policy
  readonly #parts: Parts
  readonly #pool: Pool
  readonly #running = new Set<Command>()
  readonly #events: Events
  readonly #network: Connector | undefined

  readonly #label: string
  readonly #layer: Layer | undefined
  readonly #verbs: LayerVerbs
  readonly #holder: Holder | undefined
  #isClosed = false

  constructor(policy: Policy, { warm, layer, holder }: Belongings) {
    super()
    this.#policy = policy
    this.#layer = layer
    this.#parts = compilerFor(policy, true)
    this.#holder = holder
    this.#label = labelOf(policy)
    const { before, maps } = this.#parts
    const { host } = policy
    this.#pool = new Pool(warm, { before, label: this.#label, maps, host, hold: () => holder?.begin() })
    this.#events = new Events(this)
    this.#verbs = new LayerVerbs(layer, policy.host.cwd, this.#events)
    this.#network = connectorFor(heardBy(policy.options, this.#events), policy.host)
  }

  ready(): Promise<void> {
    return this.#pool.ready()
  }

  get degradations(): readonly Degradation[] {
    return this.#policy.degradations
  }

  get limits(): readonly HeldLimit[] {
    return [...(this.#holder?.limits ?? []), ...heldAlways(this.#policy.options.limits)]
  }

  get level(): Level {
    return this.#policy.standing.level
  }

  get parts(): Readonly<Record<Demanded, boolean>> {
    return partsOf(this.#policy.options, this.#policy.standing, this.#policy.way)
  }

  get cwd(): string {
    return this.#policy.cwd
  }

  get writable(): readonly string[] {
    return this.#policy.exposures.filter(({ writable }) => writable).map(({ dest }) => dest)
  }

  plan(argv: readonly string[], options: SpawnOptions = {}): Plan {
    checkSpawnCall(options)
    return this.#whole(this.#commandOps(argv, options, this.#isWatched))
  }

  #whole(rest: readonly Op[]): Plan {
    const { degradations } = this.#policy
    const { before, maps } = this.#parts
    return { ops: [...before, ...rest], degradations, label: this.#label, maps }
  }

  #commandOps(argv: readonly string[], options: SpawnOptions, isWatched: boolean): Op[] {
    checkArgv(argv)
    const { host, cwd: usual } = this.#policy
    const cwd = options.cwd === undefined ? usual : absolute(options.cwd, 'cwd', host.cwd)
    return this.#parts.command({
      argv,
      env: options.env ?? {},
      cwd,
      umask: process.umask(),
      newSession: true,
      isWatched,
    })
  }

  spawn(argv: readonly string[], options: SpawnOptions = {}): SandboxedProcess {
    checkSpawnCall(options)
    return this.#start(argv, options)
  }

  /** Watching costs something, so it is done for who wants to know. */
  get #isWatched(): boolean {
    return this.#policy.options.isObserved || this.#events.isHeard('denial')
  }

  #watch(): WatchOptions {
    checkWatchable(this.#policy)
    const { onDenial } = this.#policy.options
    const tell = (denial: Denial) => {
      onDenial?.(denial)
      this.#events.tell('denial', denial)
    }
    return { policy: this.#policy, onDenial: tell }
  }

  #start(argv: readonly string[], options: SpawnOptions): Command {
    const { stdio = 'pipe' } = options
    const { host } = this.#policy
    const isWatched = this.#isWatched
    const rest = this.#commandOps(argv, options, isWatched)
    const plan = this.#whole(rest)
    const wishes = {
      argv,
      stdio: typeof stdio === 'object' ? stdio : ([stdio, stdio, stdio] as const),
      host,
      level: this.level,
      groups: this.#policy.groups,
      hold: () => this.#holder?.begin(),
      limits: heldAlways(this.#policy.options.limits),
      unprotected: this.#policy.unprotected,
      network: this.#network,
      watch: isWatched ? this.#watch() : undefined,
      ending: checkEnding(options, this.#policy.options),
      ...(isWatched ? {} : { begin: (fds: readonly number[]) => this.#pool.run(rest, fds, host) }),
    }
    const start = { policy: this.#policy, argv }
    const command = this.#tried(argv, () =>
      startIn(this.#layer, start, (beginning) => new Command(plan, { ...wishes, ...beginning })),
    )
    this.#running.add(command)
    this.#pool.count(command.exited)
    const gone = () => command.released().then(() => this.#running.delete(command))
    command.exited.then(gone, gone)
    command.exited.then(
      ({ limits }) => tellReached(this.#events, argv, limits),
      () => {},
    )
    return command
  }

  /** What is in the way is told in the shape of a result. */
  #tried<T>(argv: readonly string[], start: () => T): T {
    try {
      if (this.#isClosed) throw new RuntimeError('sandbox-closed')
      return start()
    } catch (error) {
      if (error instanceof SandboxError || !isRuntimeError(error)) throw error
      throw neverRan(error, { argv, level: this.level, groups: this.#policy.groups })
    }
  }

  get layer(): LayerInfo | undefined {
    return this.#verbs.info
  }

  async diff(options?: DiffOptions): Promise<Differing[]> {
    return this.#verbs.diff(options)
  }

  async apply(options?: ApplyOptions): Promise<ApplyResult> {
    return this.#verbs.apply(options)
  }

  async rollBack(options?: Pick<ApplyOptions, 'conflicts'>): Promise<RollBackResult> {
    return this.#verbs.rollBack(options)
  }

  async discard(options?: { readonly force?: boolean }): Promise<void> {
    this.#verbs.discard(options)
  }

  run(
    argv: readonly string[],
    options: RunOptions & { readonly encoding: 'buffer' },
  ): Promise<SandboxResult<Uint8Array>>
  run(argv: readonly string[], options?: RunOptions): Promise<SandboxResult>
  run(argv: readonly string[], options: RunOptions = {}): Promise<SandboxResult<string | Uint8Array>> {
    return runToEnd((stdio) => this.#start(argv, { ...options, stdio }), options)
  }

  shell(options: ShellOptions = {}): Shell {
    checkShellCall(options)
    return new Shell((argv, options) => this.#start(argv, options), options)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([this.#pool.end(), ...[...this.#running].map((command) => command[Symbol.asyncDispose]())])
    this.#holder?.[Symbol.dispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
