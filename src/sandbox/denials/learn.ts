/** The smallest policy for what a program did: what it used and was denied in runs that changed nothing of the host. */
import { lstatSync } from 'node:fs'
import type { Host } from '../../host/facts.ts'
import { realPlace } from '../layers/folders.ts'
import type { SandboxOptions } from '../options.ts'
import { isWithin } from '../policy.ts'
import { type Sorted, sortGrants } from './condense.ts'
import { cautionOfGrant, dangerOfGrant, type Grant, type GrantRule, secretPlaces } from './grant.ts'
import { grantFor, grantsForUses } from './grants.ts'
import type { Denial } from './shape.ts'

const exists = (path: string): boolean => {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
  }
}

const placesOf = (list: readonly string[] = []): string[] =>
  list.map((text) => text.replace(/^\?/, '').replace(/:.*$/s, ''))

/**
 * Reads everything of this user but what is secret and was not named, and changes what it likes, in a layer that is thrown
 * away. The network is what was named. What is named is let through for real.
 */
export function learningOptions(named: SandboxOptions, host: Host): SandboxOptions {
  const meant = placesOf([...(named.rw ?? []), ...(named.ro ?? [])])
  const hidden = secretPlaces(host.home).filter(
    (path) => exists(path) && !meant.some((one) => isWithin(one, path) || isWithin(path, one)),
  )
  return { ...named, hide: [...(named.hide ?? []), ...hidden], layer: { ...layerFor(host), backend: 'overlay' } }
}

/** What lies in a private place belongs to no layer of everything. */
function layerFor({ cwd, home }: Host): { all: true } | { dirs: string[] } {
  if (!['/tmp', '/var/tmp', '/run'].some((place) => isWithin(realPlace(cwd), place))) return { all: true }
  return { dirs: [cwd, ...(home !== undefined && home !== '/' && exists(home) ? [home] : [])] }
}

export interface Learnt extends Sorted {
  /** What it wanted and no file of a policy gives without its name: the network, and what nothing opens. */
  readonly wanted: readonly Denial[]
  /** What is granted, and should be looked at. */
  readonly cautions: Sorted['dangerous']
}

export interface Seen {
  readonly uses: readonly Denial[]
  readonly denials: readonly Denial[]
}

export function learn({ uses, denials }: Seen, named: SandboxOptions, host: Host): Learnt {
  const refused = denials.filter(
    ({ kind, action, count }) => kind !== 'lost' && action !== 'look' && count === undefined,
  )
  const grants = refused.flatMap((denial) =>
    denial.kind === 'file' ? (grantOfSecret(denial) ?? grantFor(denial) ?? []) : [],
  )
  const place = { project: host.cwd, home: host.home }
  const { safe, dangerous } = sortGrants([...grantsForUses(uses, place, exists), ...grants], host.home, dangerOfGrant)
  const own = grantsNamed(named)
  const isNamed = ({ rule, value }: Grant) =>
    own.some((one) => (one.rule === rule || one.rule === 'rw') && isWithin(value, one.value))
  const granted = [...own, ...safe.filter((grant) => !isNamed(grant))]
  return {
    safe: [...granted, ...workingDirectory(granted, host.cwd)],
    dangerous: dangerous.filter(({ grant }) => !isNamed(grant)),
    cautions: granted.slice(own.length).flatMap((grant) => {
      const why = cautionOfGrant(grant)
      return why === undefined ? [] : [{ grant, why }]
    }),
    wanted: refused.filter((denial) => denial.kind !== 'file'),
  }
}

/** Where only parts of it are shown it would not be taken for one that can be seen, and the command would begin elsewhere. */
function workingDirectory(granted: readonly Grant[], cwd: string): Grant[] {
  const paths = granted.filter(({ rule }) => rule === 'rw' || rule === 'ro').map(({ value }) => value)
  const isPartly = paths.some((path) => isWithin(path, cwd)) && !paths.some((path) => isWithin(cwd, path))
  return isPartly ? [{ rule: 'cwd', value: cwd }] : []
}

/** Hidden while it was learnt: told, and left out. */
function grantOfSecret({ rule, path = '', action }: Denial): Grant | undefined {
  if (!rule.startsWith('hide ')) return undefined
  return { rule: ['write', 'create', 'remove', 'change'].includes(action) ? 'rw' : 'ro', value: path }
}

const lists: readonly (readonly [GrantRule, (options: SandboxOptions) => readonly string[] | undefined])[] = [
  ['rw', ({ rw }) => rw],
  ['ro', ({ ro }) => ro],
  ['socket', ({ socket }) => socket],
  ['device', ({ device }) => device],
  // `*` stands for whatever is learnt
  ['allow-host', ({ allowHosts }) => allowHosts?.filter((host) => host !== '*')],
  ['net', ({ net }) => (net === undefined ? undefined : [net])],
  ['nested', ({ nested }) => (nested ? ['true'] : undefined)],
  ['accept', ({ accept }) => accept],
]

const grantsNamed = (options: SandboxOptions): Grant[] =>
  lists.flatMap(([rule, of]) => (of(options) ?? []).map((value): Grant => ({ rule, value })))
