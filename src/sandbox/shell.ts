/**
 * A shell that keeps its state between scripts: directory, variables, functions, jobs in the background, files in /tmp.
 * It is an interactive one without a terminal, because only such a shell goes on when a script is interrupted.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RuntimeError } from '../base/errors.ts'
import type { ShellOptions, ShellRunOptions, SpawnOptions } from './call.ts'
import { withoutFinalNewline } from './capture.ts'
import { checkShellRunCall } from './check-call.ts'
import type { Command } from './command.ts'
import { AGAIN_MS, Interruption } from './interruption.ts'
import { type Cut, Outlet } from './outlet.ts'
import { neverRan, SandboxError, type SandboxResult } from './result.ts'
import { DEFAULT_MAX_BUFFER } from './run.ts'
import { quote } from './words.ts'

type Start = (argv: readonly string[], options: SpawnOptions) => Command

export class Shell implements AsyncDisposable {
  readonly #command: Command
  readonly #stdout: Outlet
  readonly #stderr: Outlet
  /** Ours come one after the other. */
  #turn: Promise<unknown>
  #isOver = false

  /** For `box.shell()`. */
  constructor(start: Start, { program = bashOrSh(), ...options }: ShellOptions = {}) {
    const isBash = basename(program) === 'bash'
    const flags = isBash ? ['--norc', '--noprofile', '--noediting', '-i'] : ['-i']
    // ENV names a file that an interactive sh reads.
    this.#command = start([program, ...flags], { ...options, env: { ENV: undefined, ...options.env }, stdio: 'pipe' })
    const { stdout, stderr } = this.#command
    if (!stdout || !stderr) throw new RuntimeError('internal', { what: 'a shell without its streams' })
    this.#stdout = new Outlet(stdout)
    this.#stderr = new Outlet(stderr)
    const over = () => {
      this.#isOver = true
    }
    this.#command.exited.then(over, over)
    this.#turn = this.#prepare(isBash)
  }

  /** No prompts, no history; our own ways out, which no script can redirect. What it says before that is not for anybody. */
  async #prepare(isBash: boolean): Promise<void> {
    const quiet = isBash ? 'set +H; set +o history; unset HISTFILE MAILCHECK PROMPT_COMMAND\n' : ''
    this.#say(`PS1= PS2=\n${quiet}exec 8>&1 9>&2\n`)
    await this.#flush()
  }

  /** Has it ended: by `exit`, because it was closed, or because a script that ran out of time could not be interrupted? */
  get isOver(): boolean {
    return this.#isOver
  }

  /**
   * Runs a script when those before it have ended. A time-out and an abort interrupt it as Ctrl-C does, and the shell goes
   * on; a script that does not end then ends the shell with everything in it. `argv` of the result is the script.
   * @throws SandboxError as `run` of a sandbox; RuntimeError `sandbox-option`
   */
  run(script: string, options: ShellRunOptions = {}): Promise<SandboxResult> {
    const turn = this.#turn.then(() => this.#run(script, options))
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #run(script: string, options: ShellRunOptions): Promise<SandboxResult> {
    checkShellRunCall(script, options)
    const word = newWord()
    const interruption = new Interruption(this.#command, options, () => this.#ask(word))
    try {
      const result = interruption.isCanceled
        ? interruption.told(script)
        : await this.#lead(script, word, { options, interruption })
      if (result.failed) throw new SandboxError(result)
      return result
    } catch (error) {
      if (options.reject !== false || !(error instanceof SandboxError)) throw error
      return error
    } finally {
      interruption.end()
    }
  }

  async #lead(script: string, word: string, { options, interruption }: Leading): Promise<SandboxResult> {
    if (this.#isOver) {
      await this.#command.exited // what kept it from running is the better answer
      const { level, groups } = this.#command
      throw neverRan(new RuntimeError('shell-over'), { argv: [script], level, groups })
    }
    const { maxBuffer = DEFAULT_MAX_BUFFER, stripFinalNewline = true } = options
    // One compound command is read to its end before it begins; an interruption would throw away what is half read.
    const group = `{ command printf ${word}; command eval ${quote(script)}; }`
    this.#say(`${group} </dev/null >&8 2>&9 8>&- 9>&-\n`)
    this.#ask(word)
    const stderr = this.#stderr.until(word, maxBuffer)
    const before = await this.#stdout.until(word, maxBuffer)
    if (!before.isOver) interruption.mayCome()
    const stdout = await this.#stdout.until(word, maxBuffer)
    const status = await this.#stdout.until(';', 16)
    const outputs = { stdout: joined(before, stdout), stderr: await stderr }
    const ended = status.isOver ? await this.#command.exited : { exitCode: Number(status.bytes.toString()) }
    const text = ({ bytes }: Cut) => (stripFinalNewline ? withoutFinalNewline(bytes.toString()) : bytes.toString())
    interruption.answered()
    if (interruption.hasHit && !status.isOver) await this.#flush()
    return {
      ...interruption.told(script, ended),
      stdout: text(outputs.stdout),
      stderr: text(outputs.stderr),
      isMaxBuffer: outputs.stdout.isCut || outputs.stderr.isCut,
    }
  }

  /** How the script ended, on both ways out. A shell that is interrupted may forget it (dash), or answer twice (bash). */
  #ask(word: string): void {
    this.#say(`command printf '${word}%s;' "$?" >&8; command printf ${word} >&9\n`)
  }

  /**
   * Takes away what was said so far, such as a second answer. Asked again with another word where no answer comes: an
   * interruption that is late throws away what the shell has just read.
   */
  async #flush(): Promise<void> {
    for (;;) {
      const word = newWord()
      this.#say(`command printf ${word} >&8; command printf ${word} >&9\n`)
      const answered = Promise.all([this.#stdout.until(word, 0), this.#stderr.until(word, 0)]).then(() => true)
      const clock = new AbortController()
      const late = sleep(AGAIN_MS, false, { signal: clock.signal }).catch(() => false)
      const isAnswered = await Promise.race([answered, late])
      clock.abort()
      if (isAnswered) return
    }
  }

  #say(text: string): void {
    this.#command.stdin?.write(text)
  }

  /** Ends it with everything that it started. */
  async close(): Promise<void> {
    await this.#command[Symbol.asyncDispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

interface Leading {
  readonly options: ShellRunOptions
  readonly interruption: Interruption
}

const bashOrSh = (): string => (existsSync('/bin/bash') ? '/bin/bash' : 'sh')

/** Nobody can have said it before. */
const newWord = (): string => `usnea-${randomBytes(16).toString('hex')}`

const joined = (a: Cut, b: Cut): Cut => ({ ...b, bytes: Buffer.concat([a.bytes, b.bytes]), isCut: a.isCut || b.isCut })
