/** One invocation: its options, its log, its ways to print, and the context that the rooms below get. */
import { isTerminal } from '../base/files.ts'
import { type Log, printable } from '../base/log.ts'
import type { Context } from '../container/context.ts'
import type { Host } from '../host/facts.ts'
import type { ChosenStateRoot } from '../state/paths.ts'
import { absolute, type Globals, readMayMiss } from './globals.ts'
import type { Io } from './io.ts'
import { openProgress, type Progress, silentProgress } from './progress.ts'

export interface SessionOptions {
  readonly globals: Globals
  /** The global options as they would be given to another process of ours. */
  readonly globalWords: readonly string[]
  readonly io: Io
  readonly log: Log
  /** Are notes shown even when stderr is no terminal? */
  readonly isForeground: boolean
  readonly logsToFile: boolean
  /** Does the log put warnings on stderr anyway? */
  readonly logsWarnings: boolean
  /** Does a program read what we print, or what we log? */
  readonly isForPrograms: boolean
}

export class Session {
  readonly globals: Globals
  readonly io: Io
  readonly #options: SessionOptions
  #host: Host | undefined
  #progress: Progress = silentProgress

  constructor(options: SessionOptions) {
    this.globals = options.globals
    this.io = options.io
    this.#options = options
  }

  print(text: string): void {
    this.#progress.erase()
    this.io.out(text)
  }

  /**
   * Something the caller should know that is no error. Never put into a --log file by default: callers parse that.
   * `loud` is for words that callers wait for: shown also where stderr is no terminal.
   */
  note(message: string, loud = false): void {
    const { log, logsToFile, logsWarnings, isForeground } = this.#options
    log.warn(message)
    if (logsToFile || logsWarnings) return
    this.#progress.erase()
    if (loud || isForeground || this.io.stderr.isTerminal) this.io.stderr.write(`usnea: note: ${printable(message)}\n`)
  }

  /** A line on stderr, whoever reads it. */
  complain(line: string): void {
    this.#progress.erase()
    this.io.stderr.write(`${line}\n`)
  }

  /** May escape sequences go to stdout? https://no-color.org */
  get isColoured(): boolean {
    return this.io.stderr.colour && isTerminal(1)
  }

  /** A line on a terminal about what takes longer than a second, until it is ended or another one begins. */
  progress(what: string): Progress {
    const { stderr, stderrFd } = this.io
    this.#progress.end()
    const isWanted = stderrFd !== undefined && stderr.isTerminal && !this.#options.isForPrograms
    this.#progress = isWanted ? openProgress(what, (text) => stderr.write(text), { fd: stderrFd }) : silentProgress
    return this.#progress
  }

  /** Nothing of ours stays on the terminal. */
  [Symbol.dispose](): void {
    this.#progress.end()
  }

  /** Absolute; a relative path counts from the caller's directory. */
  path(text: string): string {
    return absolute(text, this.io.cwd)
  }

  async host(): Promise<Host> {
    if (this.#host === undefined) {
      const { readHost } = await import('../host/host.ts')
      const { rootless, systemdCgroup } = this.globals
      this.#host = readHost({ rootless, systemdCgroup, env: { ...this.io.env } })
    }
    return this.#host
  }

  /** Where the state of the containers is, or would be. */
  async stateRoot(): Promise<ChosenStateRoot> {
    const { chooseStateRoot } = await import('../state/paths.ts')
    const { root } = this.globals
    return chooseStateRoot(await this.host(), root === undefined ? {} : { root })
  }

  async context(): Promise<Context> {
    const { ensureStateRoot } = await import('../state/paths.ts')
    const [host, chosen] = [await this.host(), await this.stateRoot()]
    for (const warning of chosen.warnings) this.note(warning)
    keepOwnersRights()
    return {
      host,
      root: chosen.path,
      cgroupManager: wantedManager(this.globals),
      enforce: this.globals.enforce,
      mayMiss: readMayMiss(this.globals.allowMissing ?? this.io.env.USNEA_ALLOW_MISSING ?? ''),
      again: this.#again(chosen.path),
      ensureRoot: () => ensureStateRoot(chosen, host),
      log: this.#options.log,
      warn: (message, loud) => this.note(message, loud),
    }
  }

  #again(root: string): string[] | undefined {
    const { program } = this.io
    return program === undefined ? undefined : [program, '--root', root, ...this.#options.globalWords]
  }
}

function wantedManager({ systemdCgroup, cgroupManager }: Globals): Context['cgroupManager'] {
  if (systemdCgroup) return 'systemd'
  return cgroupManager ?? 'auto'
}

/** What we make for ourselves must be open to us, whatever the caller's mask takes. The program of a container has its own. */
function keepOwnersRights(): void {
  const mask = process.umask()
  if ((mask & 0o700) !== 0) process.umask(mask & ~0o700)
}
