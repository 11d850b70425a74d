/** Which files a layer holds something about: read from the upper directory of an overlay, or told from a copy. */
import { hasSameXattrs, ownXattrs } from './content.ts'
import { type Facts, hasSameOwner, isSame } from './facts.ts'
import type { Marks } from './marks.ts'
import { isTooLong, joined, type Tree } from './tree.ts'

export interface Touched {
  readonly path: string
  /** What the command left; undefined when it removed the file. */
  readonly now: Facts | undefined
  /** What the host has today. */
  readonly host: Facts | undefined
  /** What the command began from, where that is not simply the host's file: the file of a copy. */
  readonly began?: Facts | undefined
  /** Does it come from a file of the host, whatever name that has or had? */
  readonly isCopied?: boolean
  /** Does the command see nothing of what the host has in this directory? */
  readonly isOpaque?: boolean
  /** Did the command not see what the host has there, although it did not remove it? */
  readonly isUnseen?: boolean
  /** Its path is longer than the kernel takes, or what lies below. */
  readonly isTooLong?: boolean
}

/** `marks`: what whoever wrote the upper tree says there. */
export function touchedInOverlay(upper: Tree, host: Tree, marks: Marks): Touched[] {
  const found: Touched[] = []
  const waiting: string[] = ['']
  found.push({ path: '', now: upper.facts(''), host: host.facts('') })
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    const { names, removed, isOpaque } = marks.entries(upper, directory)
    for (const name of [...names, ...removed]) {
      const touched = lookAt({ upper, host, marks }, joined(directory, name))
      found.push(touched)
      if (touched.isTooLong) continue
      if (touched.now?.kind === 'directory') waiting.push(touched.path)
      else if (touched.host?.kind === 'directory') found.push(...removedBelow(host, touched.path, new Set(), marks))
    }
    if (isOpaque && host.facts(directory)?.kind === 'directory')
      found.push(...removedBelow(host, directory, new Set([...names, ...removed]), marks))
  }
  return found
}

interface Sides {
  readonly upper: Tree
  readonly host: Tree
  readonly marks: Marks
}

function lookAt({ upper, host, marks }: Sides, path: string): Touched {
  if (isTooLong(path)) return { path, now: undefined, host: undefined, isTooLong: true }
  const now = upper.facts(path)
  const below = host.facts(path)
  const unseen = below !== undefined && marks.isUnseen(host, path) ? { isUnseen: true } : {}
  if (now === undefined || marks.isWhiteout(upper, path, now)) return { path, now: undefined, host: below, ...unseen }
  // Inside a user namespace the mark is empty: it does not say which file.
  const isCopied = upper.xattr(path, marks.origin) !== undefined
  const isOpaque = now.kind === 'directory' && marks.isOpaque(upper, path)
  return { path, now, host: below, isCopied, isOpaque, ...unseen }
}

/** Everything that the host has in a directory, but for those names in it: the command sees nothing of it. */
function removedBelow(host: Tree, top: string, kept: ReadonlySet<string>, marks?: Marks): Touched[] {
  const found: Touched[] = []
  const waiting = [top]
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    for (const name of host.names(directory)) {
      if (directory === top && kept.has(name)) continue
      const path = joined(directory, name)
      if (isTooLong(path)) {
        found.push({ path, now: undefined, host: undefined, isTooLong: true })
        continue
      }
      const facts = host.facts(path)
      const unseen = marks?.isUnseen(host, path) ? { isUnseen: true } : {}
      found.push({ path, now: undefined, host: facts, ...unseen })
      if (facts?.kind === 'directory') waiting.push(path)
    }
  }
  return found
}

/** What the host has in a directory that the command removed, and that was not in the copy: it would go with it. */
function neverSeenIn(host: Tree, directory: string, began: ReadonlyMap<string, Facts>): Touched[] {
  if (host.facts(directory)?.kind !== 'directory') return []
  const known = host.names(directory).filter((name) => began.has(joined(directory, name)))
  return removedBelow(host, directory, new Set(known))
}

/** `began`: what the files of the copy were when it was made. */
export function touchedInCopy(copy: Tree, host: Tree, began: ReadonlyMap<string, Facts>): Touched[] {
  const found: Touched[] = []
  const seen = new Set<string>()
  const waiting: string[] = []
  look('')
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop())
    for (const name of copy.names(directory)) look(joined(directory, name))
  for (const [path, facts] of began) {
    if (seen.has(path)) continue
    found.push({ path, now: undefined, host: host.facts(path), began: facts })
    if (facts.kind === 'directory') found.push(...neverSeenIn(host, path, began))
  }
  return found

  function look(path: string): void {
    seen.add(path)
    if (isTooLong(path)) {
      found.push({ path, now: undefined, host: undefined, isTooLong: true })
      return
    }
    const now = copy.facts(path)
    const before = began.get(path)
    if (now?.kind === 'directory') waiting.push(path)
    if (now === undefined) return
    if (before !== undefined && isUntouched(now, before) && !isDressed(path, now, before)) return
    found.push({ path, now, host: host.facts(path), began: before })
  }

  /** The ctime of a directory changes with its attributes, but with what is in it as well. */
  function isDressed(path: string, now: Facts, before: Facts): boolean {
    if (now.kind !== 'directory' || now.ctime === before.ctime || host.facts(path)?.kind !== 'directory') return false
    return !hasSameXattrs(ownXattrs(copy, path), ownXattrs(host, path))
  }
}

function isUntouched(now: Facts, before: Facts): boolean {
  return isSame(now, before) && (now.kind !== 'directory' || now.mode === before.mode) && hasSameOwner(now, before)
}
