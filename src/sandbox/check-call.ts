/**
 * What the types say, held for callers who have none: an option with a slip in its name would else be a wall that is not there.
 * The error is always the same one, whatever was handed over.
 */
import { policyRules } from '../config/sandbox.ts'
import type { RunOptions, ShellOptions, ShellRunOptions, SpawnOptions } from './call.ts'
import { checkInput } from './input-output.ts'
import { checkEnv, checkNames, checkText, checkTexts, type Names, wrong } from './option-values.ts'
import type { SandboxOptions } from './options.ts'

const ending = { timeout: true, cancelSignal: true, killSignal: true, forceKillAfterDelay: true } as const
const spawnNames: Names<SpawnOptions> = { ...ending, stdio: true, env: true, cwd: true }
const runNames: Names<RunOptions> = {
  ...spawnNames,
  ...{ input: true, reject: true, maxBuffer: true, encoding: true, stripFinalNewline: true },
}
const shellNames: Names<ShellOptions> = { program: true, env: true, cwd: true, cancelSignal: true }
const { killSignal: _, ...interrupting } = ending
const shellRunNames: Names<ShellRunOptions> = {
  ...interrupting,
  ...{ reject: true, maxBuffer: true, stripFinalNewline: true },
}
const own = { onNetwork: true, netfilter: true, layer: true, denials: true, kept: true } as const
const optionOf = Object.fromEntries(policyRules.map(({ option }) => [option, true])) as Names<
  Pick<SandboxOptions, Exclude<keyof SandboxOptions, keyof typeof own>>
>
const sandboxNames: Names<SandboxOptions> = { ...optionOf, ...own }

/** Names, and the kinds of values that nobody else looks at. @throws RuntimeError `sandbox-option` */
export function checkSandboxCall(options: SandboxOptions): void {
  checkNames(options, sandboxNames)
  for (const { option, written } of policyRules) {
    const value: unknown = options[option]
    if (value === undefined) continue
    if (option === 'env') checkEnv(value as never)
    else if (written === 'switch') checkSwitch(option, value)
    else if (written === 'texts') checkTexts(option, value)
    else if (written === 'ports' && !Array.isArray(value)) throw wrong(option, 'a list of ports is expected')
  }
  for (const name of ['profile', 'net', 'cwd'] as const) checkText(name, options[name])
  checkSwitch('netfilter', options.netfilter)
  checkListener('onNetwork', options.onNetwork)
  if (options.kept !== undefined) checkTexts('kept', options.kept)
}

/** @throws RuntimeError `sandbox-option` */
export function checkArgv(argv: readonly string[]): void {
  if (!Array.isArray(argv) || argv.some((word) => typeof word !== 'string'))
    throw wrong('argv', 'the command is a list of texts: the program and its arguments')
  if (argv.length === 0) throw wrong('argv', 'a sandbox needs a command to run')
  if (argv.some((word) => word.includes('\0'))) throw wrong('argv', 'an argument of the command holds a NUL')
}

/** @throws RuntimeError `sandbox-option` */
export function checkSpawnCall(options: SpawnOptions, names: Readonly<Record<string, true>> = spawnNames): void {
  checkNames(options, names)
  const { stdio = 'pipe', cwd, cancelSignal, env } = options
  const three = typeof stdio === 'object' ? stdio : [stdio, stdio, stdio]
  if (!Array.isArray(three) || three.length !== 3 || !three.every(isStdio))
    throw wrong('stdio', 'pipe, inherit, ignore or a descriptor is expected, or a list of three of them')
  checkText('cwd', cwd)
  if (env !== undefined) checkEnv(env)
  checkSignal(cancelSignal)
}

/** @throws RuntimeError `sandbox-option` */
export function checkRunCall(options: RunOptions): void {
  checkSpawnCall(options, runNames)
  if (options.input !== undefined) checkInput(options.input)
  if (!['utf8', 'buffer', undefined].includes(options.encoding)) throw wrong('encoding', 'it is utf8 or buffer')
  checkOutput(options)
}

/** @throws RuntimeError `sandbox-option` */
export function checkShellCall(options: ShellOptions): void {
  checkSpawnCall(options, shellNames)
  checkText('program', options.program)
}

/** @throws RuntimeError `sandbox-option` */
export function checkShellRunCall(script: string, options: ShellRunOptions): void {
  checkNames(options, shellRunNames)
  if (typeof script !== 'string') throw wrong('script', 'a text is expected')
  if (script.includes('\0')) throw wrong('script', 'it holds a NUL')
  checkSignal(options.cancelSignal)
  checkOutput(options)
}

function checkOutput({ maxBuffer = 0, reject, stripFinalNewline }: Pick<RunOptions, keyof ShellRunOptions>): void {
  if (!(typeof maxBuffer === 'number' && maxBuffer >= 0)) throw wrong('maxBuffer', 'a number of bytes is expected')
  checkSwitch('reject', reject)
  checkSwitch('stripFinalNewline', stripFinalNewline)
}

const isStdio = (one: unknown): boolean =>
  typeof one === 'number' ? Number.isInteger(one) && one >= 0 : ['pipe', 'inherit', 'ignore'].includes(one as string)

/** By its shape: one of another realm is none of our class. */
function checkSignal(signal: unknown): void {
  if (signal === undefined) return
  const { aborted, addEventListener } = Object(signal) as Partial<AbortSignal>
  if (typeof aborted !== 'boolean' || typeof addEventListener !== 'function')
    throw wrong('cancelSignal', 'an AbortSignal is expected')
}

function checkSwitch(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') throw wrong(name, 'true or false is expected')
}

function checkListener(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') throw wrong(name, 'a function is expected')
}
