/** Supplementary groups: which of the caller's the command keeps, and how it gets rid of the others. */
import { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { groupIdOf, groupNameOf } from '../host/group.ts'
import type { Level } from '../host/level.ts'
import type { IdMaps, Op } from '../kernel/plan.ts'
import { chooseGroups, type GroupsEnforcer } from '../linux/idmap/groups.ts'
import { isMapped } from '../linux/idmap/ranges.ts'
import { wrong } from './option-values.ts'

/** `all`, or the names and numbers of those to keep, some behind a `?`. */
export type GroupWords = 'all' | readonly string[]

export interface KeptGroups {
  /** Numbers, as the caller sees them. The group that new files get is not among them, and always stays. */
  readonly kept: readonly number[]
  readonly dropped: readonly number[]
  /** `nothing`: there was none to drop. `newgidmap`: setgroups(2) in a user namespace that newgidmap has mapped. */
  readonly enforcedBy: GroupsEnforcer | 'nothing'
}

export interface ChosenGroups {
  readonly groups: KeptGroups
  /** What the parent writes, with `newgidmap`. */
  readonly maps: IdMaps | undefined
}

const HIGHEST = 0xffff_fffe

/** As a text with commas, or as a list. @throws RuntimeError `sandbox-option` */
export function groupWords(value: unknown = 'all'): GroupWords {
  const words = typeof value === 'string' ? value.split(',') : value
  if (!Array.isArray(words) || words.some((word) => typeof word !== 'string' && !Number.isInteger(word)))
    throw wrong('groups', 'all, none, or a list of names and numbers is expected')
  const texts = words.map((word) => String(word).trim())
  if (texts.length === 1 && texts[0] === 'all') return 'all'
  if (texts.length === 1 && texts[0] === 'none') return []
  for (const text of texts) {
    if (text === 'all' || text === 'none') throw wrong('groups', `${text} stands alone`)
    if (!/^\??[^?,:\s\0]+$/.test(text)) throw wrong('groups', `${JSON.stringify(text)} is no name of a group`)
  }
  return texts
}

/** As the command line says it. */
export const groupsText = (value: unknown): string => {
  const words = groupWords(value)
  return words === 'all' ? 'all' : words.join(',') || 'none'
}

/** Would the one keep a group that the other drops? By what they say, whoever has them. */
export function keepsMore(asked: GroupWords, own: GroupWords): boolean {
  if (own === 'all') return false
  if (asked === 'all') return true
  const named = (words: readonly string[]) => words.map((word) => word.replace(/^\?/, ''))
  return named(asked).some((word) => !named(own).includes(word))
}

/** @throws RuntimeError `sandbox-option`, `policy-unenforceable` */
export function decideGroups(words: GroupWords, host: Host, level: Level): ChosenGroups {
  const had = [...new Set(host.groups)].filter((id) => id !== host.gid)
  const wanted = words === 'all' ? had : [...new Set(words.flatMap((word) => idOf(word, host)))]
  const kept = had.filter((id) => wanted.includes(id))
  const dropped = had.filter((id) => !wanted.includes(id))
  if (dropped.length === 0) return { groups: { kept, dropped, enforcedBy: 'nothing' }, maps: undefined }
  const way = chooseGroups(host, { kept, hasNamespace: level !== 'L' })
  if ('why' in way)
    throw new RuntimeError('policy-unenforceable', {
      details: [`groups: ${groupsInWords(dropped)} cannot be dropped`],
      origin: 'groups',
      ...way,
    })
  return { groups: { kept, dropped, enforcedBy: way.by }, maps: way.maps }
}

/** In the outermost process: nothing of the sandbox ever has the others. */
export const planGroups = ({ kept, enforcedBy }: KeptGroups): Op[] =>
  enforcedBy === 'nothing' ? [] : [{ op: 'groups', ids: kept.map(String), origin: 'groups' }]

/** Nothing where it is optional and not had. */
function idOf(word: string, host: Host): number[] {
  const [, mark, name = ''] = /^(\??)(.*)$/.exec(word) ?? []
  const id = /^\d+$/.test(name) ? Number(name) : groupIdOf(name, host.env)
  if (id !== undefined && id <= HIGHEST && (host.groups.includes(id) || id === host.gid) && isMapped(host.gidMap, id))
    return [id]
  if (mark === '?') return []
  if (id === undefined || id > HIGHEST) throw wrong('groups', `there is no group ${name}`)
  const hidden = host.groups.some((one) => !isMapped(host.gidMap, one))
  const why = hidden ? ', or it is not mapped in the user namespace around us, where only all can be kept' : ''
  throw wrong(
    'groups',
    `${groupsInWords([id])} is no group of the caller${why}: write ?${name} to keep it where it is had, or join it (sudo usermod -aG ${name} ${host.userName ?? 'USER'}) and log in again`,
  )
}

export const groupsInWords = (ids: readonly number[]): string =>
  ids
    .map((id) => {
      const name = groupNameOf(id)
      return name === undefined ? String(id) : `${name} (${id})`
    })
    .join(', ')
