/** What the library offers: a sandbox, and what it can be asked. Documented option by option in docs/library.md. */
import type { EventEmitter } from 'node:events'
import type { Degradation } from '../base/issue.ts'
import type { HeldLimit } from '../container/hold/amounts.ts'
import type { Level } from '../host/level.ts'
import type { Plan } from '../kernel/plan.ts'
import type { Backend } from './backends.ts'
import type { RunOptions, SandboxedProcess, ShellOptions, SpawnOptions } from './call.ts'
import type { Ceiling } from './ceiling.ts'
import type { SandboxEvents } from './events.ts'
import type { ApplyOptions, ApplyResult, Differing, DiffOptions, RollBackResult } from './layers/index.ts'
import type { Demanded } from './level-words.ts'
import type { SandboxResult } from './result.ts'
import type { Shell } from './shell.ts'

/** Also an emitter of what happens to its commands: `box.on('network', (event) => …)`. */
export interface Sandbox extends EventEmitter<SandboxEvents>, AsyncDisposable {
  /**
   * Runs a command to its end.
   * @throws SandboxError when it fails, is killed, canceled, times out or cannot be run; RuntimeError `sandbox-option`
   */
  run(
    argv: readonly string[],
    options: RunOptions & { readonly encoding: 'buffer' },
  ): Promise<SandboxResult<Uint8Array>>
  run(argv: readonly string[], options?: RunOptions): Promise<SandboxResult>
  /** Starts a command and gives its streams. Disposing it, or the sandbox, kills the whole tree. */
  spawn(argv: readonly string[], options?: SpawnOptions): SandboxedProcess
  /**
   * A shell that keeps its state: one sandbox, in which scripts are run one after the other.
   * @throws SandboxError when it cannot be started, RuntimeError `sandbox-option`
   */
  shell(options?: ShellOptions): Shell
  /** What `run` would do, as a launch plan. Runs nothing. */
  plan(argv: readonly string[], options?: SpawnOptions): Plan
  /** Ends everything that runs in it, and settles when all of it is dead. The same as disposing. */
  close(): Promise<void>
  /** Settles when what `warm` asked for is there. */
  ready(): Promise<void>
  /** What holds each limit, before anything runs. */
  readonly limits: readonly HeldLimit[]
  /** What is had in a weaker form than usual on this machine. */
  readonly degradations: readonly Degradation[]
  /** The isolation that commands get: see docs/levels.md. */
  readonly level: Level
  /** What commands have, by the names that `require` knows. */
  readonly parts: Readonly<Record<Demanded, boolean>>
  /** Where commands begin. */
  readonly cwd: string
  /** The places inside where something of the host may be changed. */
  readonly writable: readonly string[]
  /** What changes are kept in, with the option `layer`. */
  readonly layer: LayerInfo | undefined
  /**
   * What the commands changed in the folders of the layer; nothing of it is on the host.
   * @throws RuntimeError `layer-busy` while a command runs, `sandbox-option` without a layer
   */
  diff(options?: DiffOptions): Promise<Differing[]>
  /**
   * Brings the changes to the host: all of them, or those at some paths. What the host changed meanwhile is an error
   * unless `conflicts` says who wins. After an interruption the next call goes on. How far it is the event `apply` tells.
   * @throws RuntimeError `apply-conflict`, `apply-dangerous`, `apply-refused`, `apply-nothing`, `apply-failed`, `layer-busy`
   */
  apply(options?: ApplyOptions): Promise<ApplyResult>
  /**
   * Undoes an apply that was interrupted: the layer and the host are as before it then.
   * @throws RuntimeError `apply-nothing` when none was, `apply-conflict`, `apply-failed`, `layer-busy`
   */
  rollBack(options?: Pick<ApplyOptions, 'conflicts'>): Promise<RollBackResult>
  /**
   * Removes the layer with all that is in it; `force` gives up what an interrupted apply has not applied yet.
   * @throws RuntimeError `layer-busy`, `layer-half-applied`
   */
  discard(options?: { readonly force?: boolean }): Promise<void>
}

export interface LayerInfo {
  readonly name: string
  /** Real paths of the directories that are tried. */
  readonly folders: readonly string[]
  readonly backend: Backend
}

export interface SandboxSettings {
  /**
   * How many are made in advance and wait, each for one command: it then starts in less time than a plain spawn takes. 0 to
   * 1024, default 0. What they show is what was there when they were made. When none is ready a command is started as ever.
   */
  readonly warm?: number
  /** Limits that it shares with others: see `ceiling()`. Default: none. */
  readonly ceiling?: Ceiling
}
