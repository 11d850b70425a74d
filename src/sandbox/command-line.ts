/** The same sandbox as a command line of ours, for programs that start programs by themselves. */
import { existsSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RuntimeError } from '../base/errors.ts'
import type { PolicyRule } from '../config/rules/rule.ts'
import { policyRules } from '../config/sandbox.ts'
import { readHost } from '../host/host.ts'
import { checkArgv, checkSandboxCall } from './check-call.ts'
import { globIn } from './glob.ts'
import { groupsText } from './groups.ts'
import { absolute, wrong } from './option-values.ts'
import { checkOptions, type SandboxOptions } from './options.ts'

/**
 * The file and the arguments for `spawn`, execa and whatever takes such a pair. Paths count from the current directory of
 * this process, now; files of settings and our variables are not read. The arguments hold the values of `env`, which
 * other users can see in the list of processes.
 * @throws RuntimeError `sandbox-option`, also for what the command line cannot say: what no file of a policy can, a variable
 * that is taken away, and `false` against a profile
 */
export function commandLine(options: SandboxOptions, argv: readonly string[]): [file: string, args: string[]] {
  const { cwd } = readHost()
  checkSandboxCall(options)
  checkOptions(options, cwd)
  checkArgv(argv)
  const values = options as Readonly<Record<string, unknown>>
  const names: readonly string[] = policyRules.map(({ option }) => option)
  for (const name of Object.keys(options))
    if (values[name] !== undefined && !names.includes(name)) throw wrong(name, 'the command line cannot say it')
  const flags = policyRules.flatMap((rule: PolicyRule) => {
    const value = values[rule.option]
    return value === undefined ? [] : flagsOf(rule, value, { cwd, profile: options.profile })
  })
  return [ourProgram(), ['sandbox', '--no-config', ...flags, '--', ...argv]]
}

interface Around {
  readonly cwd: string
  readonly profile: string | undefined
}

function flagsOf({ name, option, kind, written }: PolicyRule, value: unknown, { cwd, profile }: Around): string[] {
  if (value === false && profile !== undefined) throw wrong(option, 'the command line cannot say false')
  if (kind === 'boolean') return value === true ? [`--${name}`] : []
  if (name === 'env') return Object.entries(value as object).map(([variable, text]) => `--env=${variable}=${set(text)}`)
  if (name === 'timeout' || name === 'grace') return [`--${name}=${value}ms`]
  if (written === 'names') return [`--${name}=${groupsText(value)}`]
  if (written === 'ports') return (value as readonly number[]).length === 0 ? [] : [`--${name}=${value}`]
  const texts = [value].flat().map(String)
  return texts.map((text) => `--${name}=${paths.has(name) ? placed(name, text, cwd) : text}`)
}

function set(text: unknown): string {
  if (typeof text === 'string') return text
  throw wrong('env', 'the command line cannot take a variable away')
}

const paths: ReadonlySet<string> = new Set(['rw', 'ro', 'hide', 'deny', 'socket', 'device', 'cwd'])

/** `?` in front, and `:DEST` behind stay; in `hide` and `deny` both are part of the path. */
function placed(name: string, text: string, cwd: string): string {
  if (name === 'hide' || name === 'deny') return isAbsolute(text) ? text : globIn(cwd, text)
  const [, mark = '', source = '', rest = ''] = /^(\??)([^:]*)(.*)$/s.exec(text) ?? []
  return `${mark}${absolute(source, 'path', cwd)}${rest}`
}

function ourProgram(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  for (let at = here; at !== dirname(at); at = dirname(at)) {
    const file = join(at, 'bin/usnea')
    if (existsSync(file)) return file
  }
  throw new RuntimeError('native-missing', { details: [`bin/usnea is nowhere above ${here}`] })
}
