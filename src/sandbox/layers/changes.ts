/** What a layer would change on the host, file by file. Reads both trees, changes nothing. */
import { join } from 'node:path'
import { dangerOfPath } from '../danger.ts'
import { type Bases, hostChange } from './bases.ts'
import { hashOf, hasSameContent, hasSameXattrs, ownXattrs } from './content.ts'
import { type Facts, hasSameOwner, type Kind } from './facts.ts'
import type { Touched } from './touched.ts'
import type { Tree } from './tree.ts'

export type Difference = 'type' | 'content' | 'link' | 'mode' | 'owner' | 'xattrs'

/** One side of a change. */
export interface Shown {
  readonly kind: Kind
  /** Bytes. */
  readonly size: number
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Where a symbolic link points. */
  readonly link?: string
}

export interface Change {
  /** Absolute path on the host. Bytes that are not UTF-8 are lone surrogates, U+DC80 to U+DCFF. */
  readonly path: string
  readonly change: 'added' | 'changed' | 'removed' | 'renamed'
  /** The old name of what was renamed. */
  readonly from?: string
  readonly differs: readonly Difference[]
  readonly before?: Shown
  readonly after?: Shown
  /** Why `apply` never takes it: devices, pipes, sockets, and paths that are too long. */
  readonly refused?: string
  /** Why `apply` takes it only by name. */
  readonly danger?: string
  /** What the host did to it since the command began from it. */
  readonly conflict?: string
}

/** A change with all that is needed to apply it. */
export interface Item {
  readonly folder: number
  /** Below the folder. */
  readonly path: string
  readonly touched: Touched
  readonly change: Change
  /** Whoever names this, or something below, means the dangerous change. */
  readonly dangerRoot?: string
  /** The item that is the other half of a rename. */
  movedFrom?: Item
  /** Shown as a part of a rename. */
  isHalf?: boolean
}

export interface Sides {
  readonly folder: number
  /** The absolute path of the folder. */
  readonly top: string
  readonly layer: Tree
  readonly host: Tree
  readonly bases: Bases
}

export function findChanges(sides: Sides, touched: readonly Touched[]): Item[] {
  const items = touched.flatMap((one): Item[] => {
    const change = changeOf(sides, one)
    if (change === undefined) return []
    const root = change.danger === undefined ? undefined : dangerOfPath(change.path)?.root
    const dangerRoot = change.danger === undefined ? {} : { dangerRoot: root ?? change.path }
    return [{ folder: sides.folder, path: one.path, touched: one, change, ...dangerRoot }]
  })
  joinRenames(sides, items)
  return items.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}

function changeOf(sides: Sides, one: Touched): Change | undefined {
  const { path, now, host } = one
  const place = path === '' ? sides.top : join(sides.top, path)
  if (one.isTooLong)
    return { path: place, change: 'added', differs: [], refused: 'its path is longer than the system takes' }
  if (now === undefined && host === undefined) return undefined
  const differs = now === undefined || host === undefined ? [] : differences(sides, one, now, host)
  if (now !== undefined && host !== undefined && differs.length === 0) return undefined
  const conflict = conflictOf(sides, one, differs)
  const danger = dangerOf(sides, place, one)
  const refused = now === undefined ? undefined : refusals[now.kind]
  return {
    path: place,
    change: now === undefined ? 'removed' : host === undefined ? 'added' : 'changed',
    differs,
    ...(host === undefined ? {} : { before: shown(sides.host, path, host) }),
    ...(now === undefined ? {} : { after: shown(sides.layer, path, now) }),
    ...(refused === undefined ? {} : { refused }),
    ...(danger === undefined ? {} : { danger }),
    ...(conflict === undefined ? {} : { conflict }),
  }
}

const refusals: Partial<Record<Kind, string>> = {
  device: 'it is a device',
  fifo: 'it is a named pipe',
  socket: 'it is a socket',
}

/** Directories that both made are merged; the host's one keeps its mode. */
function conflictOf({ bases }: Sides, { path, now, host }: Touched, differs: readonly Difference[]) {
  const base = bases.get(path)
  const isMerged = now?.kind === 'directory' && host?.kind === 'directory'
  const why = hostChange(base, host)
  if (!isMerged || base?.unsure !== undefined) return why
  const before = base?.facts
  if (before === undefined) return 'the host made it since'
  if (why !== undefined) return why
  // its ctime changes with its attributes, but with what is in it as well
  if (differs.includes('xattrs') && before.ctime !== host.ctime) return 'the host may have changed its attributes since'
  const hasNewMeta = before.mode !== host.mode || !hasSameOwner(before, host)
  return hasNewMeta && differs.length > 0 ? 'the host changed its mode or owner since' : undefined
}

function dangerOf({ layer }: Sides, place: string, { path, now }: Touched): string | undefined {
  if (now?.kind === 'file' && (now.mode & 0o6000) !== 0) return 'it runs as its owner or group (setuid, setgid)'
  if (now?.kind === 'file' && layer.xattr(path, 'security.capability') !== undefined) return 'it has capabilities'
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
  if (name === '.git' && now !== undefined && now.kind !== 'directory') return 'it sends git elsewhere'
  return dangerOfPath(place)?.why
}

function differences(sides: Sides, one: Touched, now: Facts, host: Facts): Difference[] {
  const { layer, host: tree } = sides
  const { path } = one
  if (now.kind !== host.kind) return ['type']
  const found: Difference[] = []
  if (now.kind === 'symlink') return layer.link(path) === tree.link(path) ? [] : ['link']
  if (now.kind === 'file' && (now.size !== host.size || !hasSameContent(layer, tree, path))) found.push('content')
  if (now.mode !== host.mode) found.push('mode')
  const hasNewOwner = one.began === undefined ? !hasSameOwner(now, host) : !hasSameOwner(now, one.began)
  if (hasNewOwner) found.push('owner')
  const isPlain = now.kind === 'file' || now.kind === 'directory'
  if (isPlain && !hasSameXattrs(ownXattrs(layer, path), ownXattrs(tree, path))) found.push('xattrs')
  return found
}

function shown(tree: Tree, path: string, { kind, size, mode, uid, gid }: Facts): Shown {
  return { kind, size, mode, uid, gid, ...(kind === 'symlink' ? { link: tree.link(path) } : {}) }
}

/** By equal content: an overlay does not say which file it was, and moves a directory by copying what is in it. */
function joinRenames(sides: Sides, items: readonly Item[]): void {
  const removed = items.filter(({ change }) => change.change === 'removed' && change.before?.kind === 'file')
  const added = items.filter(({ change }) => change.change === 'added' && change.after?.kind === 'file')
  if (removed.length === 0 || added.length === 0) return
  const sizes = new Set(removed.map(sizeOf))
  const known = new Map<string, Item[]>()
  // Each file is read once, and only where one of its size is on the other side.
  const wanted = new Set(added.map(({ change }) => change.after?.size ?? 0))
  for (const item of removed) {
    const hash = sizeOf(item) > 0 && wanted.has(sizeOf(item)) ? hashOf(sides.host, item.path, sizeOf(item)) : undefined
    const alike = hash === undefined ? undefined : known.get(hash)
    if (alike !== undefined) alike.push(item)
    else if (hash !== undefined) known.set(hash, [item])
  }
  for (const item of added) {
    const size = item.change.after?.size ?? 0
    const hash = known.size > 0 && sizes.has(size) ? hashOf(sides.layer, item.path, size) : undefined
    const source = hash === undefined ? undefined : known.get(hash)?.pop()
    if (source !== undefined) pair(item, source)
  }
}

const sizeOf = ({ change }: Item): number => change.before?.size ?? 0

function pair(item: Item, source: Item): void {
  item.movedFrom = source
  source.isHalf = true
}

/** As people see them: a rename is one change. */
export function publicChanges(items: readonly Item[]): Change[] {
  return items.filter(({ isHalf }) => !isHalf).map(publicChange)
}

function publicChange({ change, movedFrom }: Item): Change {
  if (movedFrom === undefined) return change
  const { before, path: from } = movedFrom.change
  const conflict = change.conflict ?? movedFrom.change.conflict
  const danger = change.danger ?? movedFrom.change.danger
  return {
    ...change,
    change: 'renamed',
    from,
    differs: before !== undefined && before.mode !== change.after?.mode ? ['mode'] : [],
    ...(before === undefined ? {} : { before }),
    ...(danger === undefined ? {} : { danger }),
    ...(conflict === undefined ? {} : { conflict }),
  }
}
