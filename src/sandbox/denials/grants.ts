/** Which rules would open what was denied, or what a program used while it was watched. Reads the file system, changes nothing. */
import { lstatSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { dangerOfPath } from '../danger.ts'
import { isWithin } from '../policy.ts'
import type { Grant } from './grant.ts'
import type { Denial } from './shape.ts'

export interface Place {
  /** The directory of the project: where the policy is to stand. */
  readonly project: string
  readonly home: string | undefined
}

const changes = ['write', 'create', 'remove', 'change', 'bind']

/** In a private place of a sandbox: its own, whatever it does there. */
const privates = ['/tmp', '/var/tmp', '/run', '/var/run']

const exists = (path: string): boolean => {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
  }
}

const isDirectory = (path: string): boolean => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  } catch {
    return false
  }
}

/** A file that is written is granted itself; what is made, removed or replaced needs its directory, or the nearest that is there. */
function writable(path: string, action: string): string {
  if ((action === 'write' || action === 'change') && exists(path)) return path
  let at = dirname(path)
  while (!isDirectory(at) && at !== '/') at = dirname(at)
  return at
}

/** Undefined: no rule opens it. */
export function grantFor(denial: Denial): Grant | undefined {
  const { kind, action, rule, path = '', pathBase64, host, address, port } = denial
  if (pathBase64 !== undefined) return undefined
  if (kind === 'network') {
    if (rule !== 'allow-host' && !rule.startsWith('net ')) return undefined
    // No name opens what is near at hand.
    const isNear = denial.reason === 'address-closed'
    const name = isNear ? address : (host ?? address)
    if (name === undefined || name.includes(':') || denial.reason === 'hello-broken') return undefined
    return { rule: 'allow-host', value: port === undefined ? name : `${name}:${port}`, ...(isNear && { isNear }) }
  }
  if (kind === 'call') {
    if (rule === 'nested') return { rule: 'nested', value: 'true' }
    return rule === 'accept metadata' ? { rule: 'accept', value: 'metadata' } : undefined
  }
  if (kind === 'file' && rule.startsWith('protect ')) {
    const value = rule.slice('protect '.length)
    return dangerOfPath(value) === undefined ? undefined : { rule: 'rw', value }
  }
  if (kind !== 'file' || /^(hide|deny|permissions|mount|hidden)\b/.test(rule) || path.startsWith('@')) return undefined
  if (rule === 'devices') return { rule: 'device', value: path }
  if (action === 'connect') return { rule: 'socket', value: path }
  return changes.includes(action) ? { rule: 'rw', value: writable(path, action) } : { rule: 'ro', value: path }
}

/** What a program did, as far as a sandbox would not let it anyway. `before`: was it there before it ran? */
export function grantsForUses(
  uses: readonly Denial[],
  { project, home }: Place,
  before: (path: string) => boolean,
): Grant[] {
  const files = uses.filter(
    ({ kind, path, pathBase64 }) => kind === 'file' && path !== undefined && pathBase64 === undefined,
  )
  const isPrivate = (path: string) => privates.some((one) => isWithin(path, one)) && !isWithin(path, project)
  const isOfHome = (path: string) => home !== undefined && isWithin(path, home) && path !== home
  const read = files.flatMap(({ path = '', action }) => {
    const needed = (isOfHome(path) || isWithin(path, project)) && !isPrivate(path) && before(path)
    if (!['read', 'execute', 'enter'].includes(action) || !needed || isVisible(path, home)) return []
    return [path]
  })
  const written = files.flatMap(({ path = '', action }): string[] => {
    if (!changes.includes(action) || isPrivate(path) || isWithin(path, '/dev') || isWithin(path, '/proc')) return []
    const target = before(path) && (action === 'write' || action === 'change') ? path : nearest(path, before)
    // An empty home of its own will do, unless something was read there that would have to be there.
    const isOwn = isOfHome(path) && !isWithin(path, project)
    return isOwn && !read.some((one) => isWithin(one, target)) ? [] : target === home ? [] : [target]
  })
  const network = uses.flatMap(({ kind, host, port }): Grant[] =>
    kind === 'network' && host !== undefined && port !== undefined
      ? [{ rule: 'allow-host', value: `${host}:${port}` }]
      : [],
  )
  const sockets = files.flatMap(({ action, path = '' }): Grant[] =>
    action === 'connect' && !path.startsWith('@') && (isOfHome(path) || isWithin(path, '/run')) && before(path)
      ? [{ rule: 'socket', value: path }]
      : [],
  )
  return [
    ...written.map((value): Grant => ({ rule: 'rw', value })),
    ...read.map((value): Grant => ({ rule: 'ro', value })),
    ...sockets,
    ...network,
  ]
}

/** Every sandbox shows the system. */
const isVisible = (path: string, home: string | undefined): boolean =>
  !(home !== undefined && isWithin(path, home)) && !privates.some((place) => isWithin(path, place))

function nearest(path: string, before: (path: string) => boolean): string {
  let at = dirname(path)
  while (!before(at) && at !== '/') at = dirname(at)
  return at
}
