/** The global options, checked and made absolute once, before anything else looks at them. */
import { isAbsolute, resolve } from 'node:path'
import { RuntimeError } from '../base/errors.ts'
import { type LogFormat, type LogLevel, logLevels } from '../base/log.ts'
import { parseRootless } from '../host/rootless.ts'
import { dispensables, type MayMiss } from '../spec/names.ts'
import type { GlobalValues } from './flags.ts'

export interface LogChoice {
  /** Absolute; undefined means stderr, or the system log. */
  readonly file: string | undefined
  /** Instead of a file: the journal of systemd or the classic log, and the name under which we write there. */
  readonly system: { readonly kind: 'journald' | 'syslog'; readonly identifier: string } | undefined
  readonly format: LogFormat
  readonly level: LogLevel
}

export interface Globals {
  /** Absolute; undefined when --root was not given. */
  readonly root: string | undefined
  readonly systemdCgroup: boolean
  readonly cgroupManager: 'systemd' | 'cgroupfs' | 'disabled' | undefined
  readonly rootless: 'auto' | boolean
  /** Undefined when the option was not given: then the environment says. */
  readonly allowMissing: string | undefined
  /** What is to hold limits where there is no cgroup. */
  readonly enforce: 'cgroup' | 'watchdog'
  readonly debug: boolean
  /** Of `publish`: where the event goes. */
  readonly address: string | undefined
}

/** The log comes first: whatever is wrong with the other options is reported there. Throws `usage`. */
export function chooseLog(values: GlobalValues, cwd: string): LogChoice {
  const format = values['log-format'] ?? ''
  if (format !== '' && format !== 'text' && format !== 'json') throw usage(`invalid log-format: ${format}`)
  const text = values.log ?? ''
  const system = systemLog(text)
  const file = system === undefined ? logFile(text, cwd) : undefined
  return { file, system, format: format === 'json' ? 'json' : 'text', level: logLevel(values) }
}

/** Throws `usage`. */
export function readGlobalValues(values: GlobalValues, cwd: string): Globals {
  const rootless = parseRootless(values.rootless ?? 'auto')
  if (rootless === undefined) throw usage(`invalid value "${values.rootless}" for --rootless: true, false or auto`)
  const cgroupManager = readCgroupManager(values['cgroup-manager'])
  return {
    root: values.root === undefined ? undefined : checkRoot(values.root, cwd),
    systemdCgroup: values['systemd-cgroup'] || cgroupManager === 'systemd',
    cgroupManager,
    rootless,
    allowMissing: values['allow-missing'],
    enforce: readEnforcer(values.enforce),
    debug: values.debug,
    address: values.address,
  }
}

/** The same options for another process of ours, wherever it begins. The state directory is not among them. */
export function repeatGlobals(values: GlobalValues, cwd: string): string[] {
  const { file, format, level } = chooseLog(values, cwd)
  const asked = {
    log: file,
    'cgroup-manager': values['cgroup-manager'],
    rootless: values.rootless,
    'allow-missing': values['allow-missing'],
    enforce: values.enforce,
  }
  return [
    ...Object.entries(asked).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value])),
    ...['--log-format', format, '--log-level', level],
    ...(values['systemd-cgroup'] ? ['--systemd-cgroup'] : []),
  ]
}

/** An absolute path. Relative ones count from the caller's directory, once. Throws `usage` when that was removed. */
export function absolute(path: string, cwd: string): string {
  if (isAbsolute(path)) return resolve(path)
  if (cwd === '') throw usage(`cannot resolve ${path}: the current directory was removed`, 'give an absolute path')
  return resolve(cwd, path)
}

function logFile(text: string, cwd: string): string | undefined {
  const path = text.replace(/^file:/, '')
  return path === '' ? undefined : absolute(path, cwd)
}

/** `journald:ID` and `syslog:ID`, as crun has them. A file of such a name needs `file:` or a directory before it. */
function systemLog(text: string): LogChoice['system'] {
  const [, kind, identifier = ''] = /^(journald|syslog):(.*)$/s.exec(text) ?? []
  if (kind !== 'journald' && kind !== 'syslog') return undefined
  if (/^[\w.@:/-]{1,64}$/.test(identifier)) return { kind, identifier }
  throw usage(`--log ${kind}:ID needs an identifier of 1 to 64 letters, digits and the characters . _ - @ : /`)
}

const levelWords: Readonly<Record<string, LogLevel>> = { warn: 'warning' }

function logLevel(values: GlobalValues): LogLevel {
  if (values.debug) return 'debug'
  const word = values['log-level']?.toLowerCase() ?? ''
  if (word === '') return 'error'
  const level = levelWords[word] ?? logLevels.find((name) => name === word)
  if (level === undefined)
    throw usage(`invalid log-level: ${values['log-level']}`, `use one of ${logLevels.join(', ')}`)
  return level
}

function checkRoot(root: string, cwd: string): string {
  if (root === '') throw usage('Option --root argument should not be empty')
  const path = absolute(root, cwd)
  if (path === '/') throw usage('Option --root argument should not be set to /')
  return path
}

function readCgroupManager(text: string | undefined): Globals['cgroupManager'] {
  if (text === undefined || text === 'systemd' || text === 'cgroupfs' || text === 'disabled') return text
  throw usage(`unknown cgroup manager "${text}"`, 'use systemd, cgroupfs or disabled')
}

function readEnforcer(text: string | undefined): Globals['enforce'] {
  if (text === undefined) return 'cgroup'
  if (text === 'cgroup' || text === 'watchdog') return text
  throw usage(`nothing called "${text}" enforces limits`, 'use cgroup or watchdog')
}

/** What may be missing, from `--allow-missing` or USNEA_ALLOW_MISSING. Throws `usage`. */
export function readMayMiss(text: string): MayMiss {
  const names = text.split(',').filter((name) => name !== '')
  const known = dispensables.filter((name) => names.includes(name))
  const unknown = names.find((name) => !dispensables.some((dispensable) => dispensable === name))
  if (unknown !== undefined)
    throw usage(`nothing called "${unknown}" may be missing`, `use of ${dispensables.join(', ')}, with commas between`)
  return new Set(known)
}

function usage(what: string, fix?: string): RuntimeError {
  return new RuntimeError('usage', { what, ...(fix === undefined ? {} : { fix }) })
}
