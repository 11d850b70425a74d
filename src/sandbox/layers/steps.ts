/** The list of steps that brings chosen changes to the host. Each can be done again, and none leaves half a file. Pure. */
import type { Item } from './changes.ts'
import { hasSameTime, type Row, rowOf } from './facts.ts'
import type { Touched } from './touched.ts'

export interface Step {
  readonly do: 'remove' | 'mkdir' | 'file' | 'symlink' | 'link' | 'meta'
  readonly folder: number
  readonly path: string
  /** What the host has there before; null for nothing. */
  readonly expected: Row | null
  /** `link`: another name of the same file, in the same folder. */
  readonly to?: string
  /** `meta`: the extended attributes that the host's file has before, in base64. */
  readonly xattrs?: readonly (readonly [name: string, value: string])[]
}

/** Directories first made and last given their mode; what is in the way goes first, other removals after the new is there. */
export function planSteps(chosen: readonly Item[], touched: readonly (readonly Touched[])[]): Step[] {
  const items = [...chosen].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.folder - b.folder))
  const backwards = items.toReversed()
  const removals = backwards.filter(({ change }) => change.change === 'removed')
  const ways = wayItems(items)
  const inTheWay = (item: Item) => liesInWay(item, ways)
  const made = items.filter(({ change }) => change.after?.kind === 'directory')
  return [
    ...removals.filter(inTheWay).map((item) => step(item, 'remove')),
    ...backwards.filter(isCleared).map((item) => step(item, 'remove')),
    ...made.filter(isNewDirectory).map((item) => ({ ...step(item, 'mkdir'), expected: null })),
    ...contentSteps(items, touched),
    ...removals.filter((item) => !inTheWay(item)).map((item) => step(item, 'remove')),
    ...backwards.filter(isMetaOnly).map((item) => step(item, 'meta')),
  ]
}

/** What was in the way is gone when the new one comes. */
const newStep = (item: Item, verb: Step['do']): Step =>
  isCleared(item) ? { ...step(item, verb), expected: null } : step(item, verb)

const step = ({ folder, path, touched }: Item, verb: Step['do']): Step => ({
  do: verb,
  folder,
  path,
  expected: touched.host === undefined ? null : rowOf(touched.host),
})

const isNewDirectory = ({ change, touched }: Item): boolean =>
  touched.now?.kind === 'directory' && (change.change === 'added' || change.differs.includes('type'))

/** A rename puts a file over a file or link, but not over or in place of a directory. */
const isCleared = ({ change }: Item): boolean =>
  change.differs.includes('type') && (change.before?.kind === 'directory' || change.after?.kind === 'directory')

const wayItems = (items: readonly Item[]): Set<string> =>
  new Set(items.filter(isCleared).map(({ folder, path }) => `${folder}:${path}`))

function liesInWay({ folder, path }: Item, ways: ReadonlySet<string>): boolean {
  if (ways.size === 0) return false
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
    if (ways.has(`${folder}:${path.slice(0, at)}`)) return true
  return false
}

const isContent = ({ change, touched }: Item): boolean =>
  (touched.now?.kind === 'file' || touched.now?.kind === 'symlink') &&
  (change.change === 'added' || change.differs.some((what) => what === 'type' || what === 'content' || what === 'link'))

/** What has its content already: new directories as well, which get their mode when all is in them. */
const isMetaOnly = (item: Item): boolean =>
  item.touched.now?.kind === 'directory' || (item.touched.now?.kind === 'file' && !isContent(item))

function contentSteps(items: readonly Item[], touched: readonly (readonly Touched[])[]): Step[] {
  const firsts = touched.map(unchangedLinks)
  const chosen = new Set(items.filter(isContent).map(({ folder, path }) => `${folder}:${path}`))
  for (const [folder, links] of firsts.entries())
    for (const [ino, path] of links) if (chosen.has(`${folder}:${path}`)) links.delete(ino)
  const [copies, links]: [Step[], Step[]] = [[], []]
  for (const item of items.filter(isContent)) {
    const { now } = item.touched
    const known =
      now !== undefined && now.links > 1 && now.kind === 'file' ? firsts[item.folder]?.get(now.ino) : undefined
    if (known !== undefined) links.push({ ...newStep(item, 'link'), to: known })
    else copies.push(newStep(item, now?.kind === 'symlink' ? 'symlink' : 'file'))
    if (known === undefined && now?.kind === 'file' && now.links > 1) firsts[item.folder]?.set(now.ino, item.path)
  }
  return [...copies, ...links]
}

/** A name of a file with several that the host has as it is: new names are made of that. */
function unchangedLinks(touched: readonly Touched[]): Map<bigint, string> {
  const found = new Map<bigint, string>()
  for (const { path, now, host } of touched) {
    if (now?.kind !== 'file' || now.links < 2 || host?.kind !== 'file') continue
    if (host.size === now.size && hasSameTime(now, host)) found.set(now.ino, path)
  }
  return found
}
