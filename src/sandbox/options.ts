/** What a caller may ask of a sandbox, checked and made absolute. */
import { isAbsolute, normalize, resolve } from 'node:path'
import { RuntimeError } from '../base/errors.ts'

export interface SandboxOptions {
  /** Paths that the command may change, as `PATH` or `PATH:DEST`. */
  readonly rw?: readonly string[]
  /** Paths that it may read although they lie under a private place, as `PATH` or `PATH:DEST`. */
  readonly ro?: readonly string[]
  /** Paths that it must not see: a file reads as empty, a directory as empty. */
  readonly hide?: readonly string[]
  /** `none`: a network of its own with only a loopback. `host`: the caller's. Default `none`. */
  readonly net?: 'none' | 'host'
  /** Added to the clean environment; `undefined` removes a name. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** May the command make user namespaces of its own? Browsers and sandboxes inside need it. Default false. */
  readonly nested?: boolean
  /** Working directory inside. Default: the caller's where it can be seen, else the home directory, else `/`. */
  readonly cwd?: string
  /** Milliseconds after which every command is killed. */
  readonly timeout?: number
}

const MAX_TIMEOUT = 2 ** 31 - 1

export interface Exposure {
  readonly source: string
  readonly dest: string
  readonly writable: boolean
  /** The option it came from, for errors and the plan. */
  readonly origin: string
}

export interface CheckedOptions {
  readonly exposures: readonly Exposure[]
  readonly hide: readonly string[]
  readonly net: 'none' | 'host'
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string | undefined
  readonly timeout: number | undefined
  readonly nested: boolean
}

/** @throws RuntimeError `sandbox-option` */
export function checkOptions(options: SandboxOptions, cwd: string): CheckedOptions {
  const { rw = [], ro = [], hide = [], net = 'none', env = {} } = options
  for (const [name, list] of Object.entries({ rw, ro, hide }))
    if (!Array.isArray(list) || list.some((path) => typeof path !== 'string'))
      throw wrong(name, 'a list of paths is expected')
  if (net !== 'none' && net !== 'host') throw wrong('net', `${JSON.stringify(net)} is neither "none" nor "host"`)
  return {
    exposures: [...ro.map((text) => exposure(text, 'ro', cwd)), ...rw.map((text) => exposure(text, 'rw', cwd))],
    hide: hide.map((path) => absolute(path, 'hide', cwd)),
    net,
    env: checkEnv(env),
    cwd: options.cwd === undefined ? undefined : absolute(options.cwd, 'cwd', cwd),
    timeout: checkTimeout(options.timeout),
    nested: options.nested ?? false,
  }
}

export function wrong(option: string, why: string): RuntimeError {
  return new RuntimeError('sandbox-option', {
    what: `the sandbox option ${option} is not valid: ${why}`,
    origin: option,
  })
}

function exposure(text: string, option: 'ro' | 'rw', cwd: string): Exposure {
  const colon = text.indexOf(':')
  const source = absolute(colon < 0 ? text : text.slice(0, colon), option, cwd)
  const dest = colon < 0 ? source : text.slice(colon + 1)
  if (!isAbsolute(dest)) throw wrong(option, `the destination ${JSON.stringify(dest)} is not absolute`)
  return {
    source,
    dest: normalize(dest).replace(/(.)\/$/, '$1'),
    writable: option === 'rw',
    origin: `${option} ${text}`,
  }
}

export function absolute(path: string, option: string, cwd: string): string {
  if (path === '') throw wrong(option, 'an empty path')
  if (path.includes('\0')) throw wrong(option, 'a path with a NUL')
  return resolve(cwd, path)
}

export function checkEnv(env: Readonly<Record<string, string | undefined>>) {
  for (const [name, value] of Object.entries(env))
    if (name === '' || /[=\0]/.test(name) || value?.includes('\0'))
      throw wrong('env', `the name ${JSON.stringify(name)}`)
  return env
}

export function checkTimeout(timeout: number | undefined): number | undefined {
  if (timeout === undefined) return undefined
  // more than 31 bits and a timer of Node fires at once
  if (!Number.isFinite(timeout) || timeout <= 0 || timeout > MAX_TIMEOUT)
    throw wrong('timeout', `${timeout} is no time in milliseconds from 1 to ${MAX_TIMEOUT}`)
  return timeout
}
