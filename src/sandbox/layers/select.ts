/** Which changes of a layer are applied, and which of them may be. Pure. */

import { RuntimeError } from '../../base/errors.ts'
import { printable } from '../../base/log.ts'
import { isWithin } from '../policy.ts'
import type { Item } from './changes.ts'

export interface ApplyOptions {
  /** Absolute paths on the host, each with all below; without any everything. */
  readonly paths?: readonly string[]
  /** What the host changed since: overwrite it, or keep it and drop what the command did there. Default: an error. */
  readonly conflicts?: 'force' | 'theirs'
  /** Leave in the layer what is never applied, and what would have to be named. Default: an error. */
  readonly skipRefused?: boolean
}

export interface Selection {
  readonly chosen: readonly Item[]
  /** Conflicts that are settled by keeping the host's file. */
  readonly theirs: readonly Item[]
  /** What stays in the layer. */
  readonly kept: readonly Item[]
}

const isType = ({ change }: Item): boolean => change.differs.includes('type')
const isRemoval = ({ change }: Item): boolean => change.change === 'removed'

/** @throws RuntimeError `apply-nothing`, `apply-refused`, `apply-dangerous`, `apply-conflict` */
export function select(items: readonly Item[], options: ApplyOptions): Selection {
  const { paths = [], conflicts, skipRefused = false } = options
  const named = paths.length === 0 ? [...items] : withPartners(items, pick(items, paths))
  const refused = named.filter(({ change }) => change.refused !== undefined)
  const dangerous = named.filter(({ dangerRoot }) => dangerRoot !== undefined && !isMeant(dangerRoot, paths))
  if (!skipRefused) assertNone(refused, dangerous)
  const allowed = without(named, new Set([...refused, ...dangerous]))
  const conflicting = allowed.filter(({ change }) => change.conflict !== undefined)
  if (conflicting.length > 0 && conflicts === undefined)
    throw new RuntimeError('apply-conflict', { details: lines(conflicting, ({ change }) => change.conflict) })
  const chosen = conflicts === 'theirs' ? without(allowed, new Set(conflicting)) : allowed
  const theirs = conflicts === 'theirs' ? allowed.filter((item) => !chosen.includes(item)) : []
  const settled = new Set([...chosen, ...theirs])
  return { chosen, theirs, kept: items.filter((item) => !settled.has(item)) }
}

function pick(items: readonly Item[], paths: readonly string[]): Set<Item> {
  for (const path of paths)
    if (!items.some(({ change }) => isWithin(change.path, path)))
      throw new RuntimeError('apply-nothing', { what: `the layer changes nothing at ${printable(path)}` })
  return new Set(items.filter(({ change }) => paths.some((path) => isWithin(change.path, path))))
}

/** The other half of a rename, the directories that must be made around, and what a new file takes the place of. */
function withPartners(items: readonly Item[], picked: Set<Item>): Item[] {
  for (const item of items) if (item.movedFrom !== undefined && picked.has(item)) picked.add(item.movedFrom)
  const known = new Map(items.map((item) => [keyOf(item), item]))
  const types = [...picked].filter(isType)
  for (const item of [...picked].filter((one) => !isRemoval(one)))
    for (const key of ancestorsOf(item)) {
      const around = known.get(key)
      if (around?.change.after?.kind === 'directory') picked.add(around)
    }
  for (const type of types) for (const item of items) if (isRemoval(item) && isBelow(item, type)) picked.add(item)
  return items.filter((item) => picked.has(item))
}

const isBelow = (item: Item, top: Item): boolean => item.folder === top.folder && item.path.startsWith(`${top.path}/`)

/** What cannot be done without those: a directory is not removed around what stays, nor made in what is not there. */
function without(items: readonly Item[], dropped: Set<Item>): Item[] {
  if (dropped.size === 0) return [...items]
  for (let size = -1; size !== dropped.size; ) {
    size = dropped.size
    const tops = new Set([...dropped].filter((item) => isType(item) || item.change.change === 'added').map(keyOf))
    const around = new Set([...dropped].flatMap(ancestorsOf))
    for (const item of items) {
      const isEmptied = (isRemoval(item) || isType(item)) && around.has(keyOf(item))
      if (isEmptied || ancestorsOf(item).some((key) => tops.has(key))) dropped.add(item)
    }
  }
  return items.filter((item) => !dropped.has(item))
}

const keyOf = ({ folder, path }: Item): string => `${folder}:${path}`

function ancestorsOf({ folder, path }: Item): string[] {
  const found: string[] = []
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
    found.push(`${folder}:${path.slice(0, at)}`)
  return found
}

const isMeant = (root: string, paths: readonly string[]): boolean => paths.some((path) => isWithin(path, root))

function assertNone(refused: readonly Item[], dangerous: readonly Item[]): void {
  if (refused.length > 0)
    throw new RuntimeError('apply-refused', { details: lines(refused, ({ change }) => change.refused) })
  if (dangerous.length > 0)
    throw new RuntimeError('apply-dangerous', { details: lines(dangerous, ({ change }) => change.danger) })
}

const SHOWN = 20

function lines(items: readonly Item[], why: (item: Item) => string | undefined): string[] {
  const shown = items.slice(0, SHOWN).map((item) => `${printable(item.change.path)} (${why(item)})`)
  return items.length > SHOWN ? [...shown, `and ${items.length - SHOWN} more`] : shown
}
