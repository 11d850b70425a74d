/**
 * What the host had when the command first changed a file: without it nobody could say later whether the host changed
 * it too. An overlay copies a file at that moment, but keeps nothing of where it came from. So the moment at which a
 * command started is kept, and at its end the state of every file that it touched: what the host changed meanwhile has
 * a ctime from then on, which no program can set back. Where times come from another clock (network file systems), the
 * state of everything is written down before the start instead.
 */
import type { Facts } from './facts.ts'
import { factsOfRow, isSame, type Row, rowOf } from './facts.ts'
import type { Touched } from './touched.ts'
import { splitPath, type Tree } from './tree.ts'

export interface Base {
  /** Undefined: the host had nothing there. */
  readonly facts: Facts | undefined
  /** Why that is not certain; then it counts as changed by the host. */
  readonly unsure?: string
  /** The command sees nothing of what the host has below: whatever comes there later was never seen. */
  readonly isHidden?: boolean
}

export type Bases = Map<string, Base>

export type Start = (
  | { readonly by: 'clock' /** Nanoseconds since 1970. */; readonly at: bigint }
  | { readonly by: 'list'; readonly seen: ReadonlyMap<string, Facts> }
) & {
  /** What the command could not reach, below the folder. */
  readonly covered?: readonly string[]
}

const CHANGED = 'the host changed it while the command ran'
const CREATED = 'the host made it while the command ran'
const REMOVED = 'the host removed it while the command ran'
const UNSEEN = 'the command could not see it, because of names that fuse-overlayfs takes for its own'
const COVERED = 'the command could not reach it: it was hidden, denied, or let through by itself'
const REPLACED = 'the host may have put another directory in its place while the command ran'

/** Adds what is not known yet; files that were recorded after an earlier run keep what they have. */
export function recordBases(bases: Bases, touched: readonly Touched[], host: Tree, start: Start): void {
  const tops = (isTop: (base: Base) => boolean) =>
    new Set([...bases].flatMap(([path, base]) => (isTop(base) ? [path] : [])))
  const hidden = tops(({ isHidden }) => isHidden === true)
  const doubtful = tops(({ facts, unsure }) => facts?.kind === 'directory' && unsure !== undefined)
  const covered = new Set(start.covered)
  const unseen = new Set(touched.flatMap(({ path, isUnseen }) => (isUnseen ? [path] : [])))
  // Directories come before what is in them.
  for (const one of touched) {
    if (one.isTooLong || bases.has(one.path)) continue
    const isUnseen = one.host !== undefined && (unseen.has(one.path) || isBelow(one.path, unseen))
    const known = isBelow(one.path, hidden) ? { facts: undefined } : baseOf(one, host, start)
    const isCovered = one.host !== undefined && (covered.has(one.path) || isBelow(one.path, covered))
    const unreached = isCovered ? COVERED : isUnseen ? UNSEEN : undefined
    const base = unreached !== undefined && known !== undefined ? { facts: one.host, unsure: unreached } : known
    if (base === undefined) continue
    const isDoubtful = base.unsure === undefined && one.host !== undefined && isBelow(one.path, doubtful)
    const hides = one.host?.kind === 'directory' && (one.now?.kind !== 'directory' || one.isOpaque === true)
    const sure = isDoubtful ? { ...base, unsure: REPLACED } : base
    bases.set(one.path, hides ? { ...sure, isHidden: true } : sure)
    if (sure.unsure !== undefined && one.host?.kind === 'directory') doubtful.add(one.path)
  }
}

const baseOf = (one: Touched, host: Tree, start: Start): Base | undefined =>
  start.by === 'clock' ? byClock(one, host, start.at) : byList(one, start.seen)

function isBelow(path: string, tops: ReadonlySet<string>): boolean {
  if (tops.size === 0) return false
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
    if (tops.has(path.slice(0, at))) return true
  return false
}

/** A directory in which nothing was made, removed or renamed since holds the same entries as then. */
const hadOtherEntries = (host: Tree, path: string, at: bigint): boolean =>
  path !== '' && (host.facts(splitPath(path)[0])?.ctime ?? 0n) >= at

function byClock(one: Touched, host: Tree, at: bigint): Base | undefined {
  const { path, now, host: below } = one
  if (below === undefined) {
    if (now === undefined) return undefined // both removed it
    // A file that the command renamed brings the mark along to a name that the host never had.
    const isGone = one.isCopied && (now.kind === 'directory' || hadOtherEntries(host, path, at))
    return isGone ? { facts: undefined, unsure: REMOVED } : { facts: undefined }
  }
  const isMerged = now?.kind === 'directory' && below.kind === 'directory' && !one.isOpaque
  if (below.ctime < at) return { facts: below }
  if (isMerged) return hadOtherEntries(host, path, at) ? { facts: below, unsure: REPLACED } : { facts: below }
  const isNew = now !== undefined && now.kind !== 'directory' && !one.isCopied
  return { facts: below, unsure: isNew ? CREATED : CHANGED }
}

function byList({ path, now, host: below }: Touched, seen: ReadonlyMap<string, Facts>): Base | undefined {
  const before = seen.get(path)
  if (before === undefined && now === undefined && below === undefined) return undefined
  if (below === undefined) return before === undefined ? { facts: undefined } : { facts: before, unsure: REMOVED }
  if (before === undefined) return { facts: undefined, unsure: CREATED }
  return isSame(before, below) ? { facts: before } : { facts: before, unsure: CHANGED }
}

/** Why the host's file is not what it was, or undefined. */
export function hostChange(base: Base | undefined, host: Facts | undefined): string | undefined {
  if (base === undefined) return host === undefined ? undefined : 'the host made it since'
  if (base.unsure !== undefined) return base.unsure
  if (base.facts === undefined) return host === undefined ? undefined : 'the host made it since'
  if (host === undefined) return 'the host removed it since'
  return isSame(base.facts, host) ? undefined : 'the host changed it since'
}

/** One line a file. */
export function printBases(bases: Bases): string {
  const lines = [...bases].map(([path, { facts, unsure = '', isHidden = false }]) =>
    JSON.stringify([path, facts === undefined ? null : rowOf(facts), unsure, isHidden]),
  )
  return lines.map((line) => `${line}\n`).join('')
}

/** Throws for what is none of our lines. */
export function parseBases(text: string): Bases {
  const bases: Bases = new Map()
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [path, row, unsure, isHidden] = JSON.parse(line) as [string, Row | null, string, boolean]
    const facts = row === null ? undefined : factsOfRow(row)
    bases.set(path, { facts, ...(unsure === '' ? {} : { unsure }), ...(isHidden ? { isHidden } : {}) })
  }
  return bases
}

export const printFacts = (facts: ReadonlyMap<string, Facts>): string =>
  printBases(new Map([...facts].map(([path, one]) => [path, { facts: one }])))

export const parseFacts = (text: string): Map<string, Facts> =>
  new Map([...parseBases(text)].flatMap(([path, { facts }]) => (facts === undefined ? [] : [[path, facts] as const])))
