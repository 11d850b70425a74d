/** From the words of the command line to the options of a sandbox. */
import { isAbsolute } from 'node:path'
import { RuntimeError } from '../base/errors.ts'
import { parseDuration } from '../base/units.ts'
import { globIn } from '../sandbox/glob.ts'
import type { SandboxOptions } from '../sandbox/index.ts'
import type { SandboxValues } from './flags.ts'
import { given } from './given.ts'
import type { Session } from './session.ts'

/** Throws `usage`. Relative paths of the host count from the caller's directory. */
export function readSandboxOptions(flags: SandboxValues, session: Session): SandboxOptions {
  const place = (text: string) =>
    text.replace(/^(\??)([^:]+)/s, (_, mark: string, source: string) => mark + session.path(source))
  const each = (list: readonly string[], read: (text: string) => string) =>
    list.length === 0 ? undefined : list.map(read)
  const path = (text: string) =>
    text.replace(/^(\??)(.*)$/s, (_, mark: string, rest: string) => mark + session.path(rest))
  // A `?` in front stands for one character here.
  const covered = (text: string) =>
    text === '' || isAbsolute(text) ? session.path(text) : globIn(session.io.cwd, text)
  return {
    env: readEnv(flags.env, session.io.env),
    ...readDemands(flags),
    ...given({
      rw: each(flags.rw, place),
      ro: each(flags.ro, place),
      hide: each(flags.hide, covered),
      deny: each(flags.deny, covered),
      socket: each(flags.socket, path),
      device: each(flags.device, path),
      nested: flags.nested || undefined,
      groups: flags.groups,
      profile: flags.profile as SandboxOptions['profile'],
      net: readNet(flags.net),
      publish: flags.publish.length > 0 ? flags.publish : undefined,
      allowHosts: flags['allow-host'].length > 0 ? flags['allow-host'] : undefined,
      proxyVariables: flags.proxy || undefined,
      cwd: flags.cwd === undefined ? undefined : session.path(flags.cwd),
      timeout: readTime(flags.timeout, 'timeout'),
      grace: readTime(flags.grace, 'grace'),
      memory: flags.memory,
      pids: flags.pids === undefined ? undefined : Number(flags.pids),
      cpus: flags.cpus === undefined ? undefined : Number(flags.cpus),
      files: flags.files === undefined ? undefined : Number(flags.files),
      disk: flags.disk,
    }),
  }
}

/** Names are checked where they are known. */
function readDemands(flags: SandboxValues): SandboxOptions {
  const words = (list: readonly string[]) => list.flatMap((text) => text.split(',')).filter((word) => word !== '')
  const names = (list: readonly string[]) => (list.length === 0 ? undefined : words(list))
  const ports = (list: readonly string[]) => names(list)?.map(Number)
  return given({
    minLevel: flags['min-level'] as SandboxOptions['minLevel'],
    require: names(flags.require) as SandboxOptions['require'],
    accept: names(flags.accept) as SandboxOptions['accept'],
    connect: ports(flags.connect),
    listen: ports(flags.listen),
  })
}

/** `NAME=VALUE` sets a variable, `NAME` hands ours on: when we have none, the command has none. */
function readEnv(
  entries: readonly string[],
  ours: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const env: Record<string, string> = {}
  for (const entry of entries) {
    const equals = entry.indexOf('=')
    const name = equals === -1 ? entry : entry.slice(0, equals)
    if (name === '') throw usage(`invalid value "${entry}" for --env: the name is missing`)
    const value = equals === -1 ? ours[name] : entry.slice(equals + 1)
    if (value !== undefined) env[name] = value
  }
  return env
}

function readNet(text: string | undefined): SandboxOptions['net'] {
  const known = ['none', 'host', 'pasta', 'slirp4netns'] as const
  const found = known.find((name) => name === text)
  if (text !== undefined && !found) throw usage(`invalid value "${text}" for --net: ${known.join(', ')}`)
  return found
}

function readTime(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  const milliseconds = parseDuration(text)
  if (milliseconds === undefined) throw usage(`invalid value "${text}" for --${option}: write 30s, 500ms or 2m`)
  return milliseconds
}

function usage(what: string): RuntimeError {
  return new RuntimeError('usage', { what })
}
