/** Comparing what files hold, in pieces: a layer may hold files larger than memory. */
import { createHash } from 'node:crypto'
import { fstatSync, readSync } from 'node:fs'
import { using } from '../../kernel/trees.ts'
import type { Tree } from './tree.ts'

const CHUNK = 1 << 17
/** What is larger is not read only to find out whether it was renamed. */
const LARGEST_TO_HASH = 1 << 26

/** For all comparisons: they do not nest, and files are many. */
let pieces: readonly [Buffer, Buffer] | undefined

function twoPieces(): readonly [Buffer, Buffer] {
  pieces ??= [Buffer.allocUnsafe(CHUNK), Buffer.allocUnsafe(CHUNK)]
  return pieces
}

export function hasSameContent(a: Tree, b: Tree, path: string): boolean {
  return using(a.open(path), (left) => using(b.open(path), (right) => isEqual(left, right)))
}

function isEqual(left: number, right: number): boolean {
  const [one, other] = twoPieces()
  for (;;) {
    const sizes = [fill(left, one), fill(right, other)]
    if (sizes[0] !== sizes[1]) return false
    if (sizes[0] === 0) return true
    if (one.compare(other, 0, sizes[1], 0, sizes[0]) !== 0) return false
  }
}

/** Reads until the buffer is full or the file ends. */
export function fill(fd: number, buffer: Buffer): number {
  let size = 0
  while (size < buffer.length) {
    const got = readSync(fd, buffer, size, buffer.length - size, null)
    if (got === 0) break
    size += got
  }
  return size
}

/** Undefined for what is too large to be worth it. */
export function hashOf(tree: Tree, path: string, size: number): string | undefined {
  if (size > LARGEST_TO_HASH) return undefined
  return using(tree.open(path), (fd) => {
    const hash = createHash('sha256')
    const [buffer] = twoPieces()
    for (let got = fill(fd, buffer); got > 0; got = fill(fd, buffer)) hash.update(buffer.subarray(0, got))
    return hash.digest('hex')
  })
}

/** At most `limit` bytes from the beginning; undefined for a longer file. */
export function readSmall(tree: Tree, path: string, limit: number): Buffer | undefined {
  return using(tree.open(path), (fd) => {
    const { size } = fstatSync(fd)
    if (size > limit) return undefined
    // one more byte, to see whether it has grown
    const buffer = Buffer.allocUnsafe(size + 1)
    const got = fill(fd, buffer)
    return got > size ? undefined : buffer.subarray(0, got)
  })
}

/** Of the kernel and of the overlay itself: they are no part of what a command left. */
const notTheirs = /^(?:user\.overlay\.|user\.fuseoverlayfs\.|trusted\.|security\.(?!capability$))/

export function ownXattrs(tree: Tree, path: string): Map<string, Buffer> {
  return new Map([...tree.xattrs(path)].filter(([name]) => !notTheirs.test(name)))
}

export function hasSameXattrs(a: Map<string, Buffer>, b: Map<string, Buffer>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name)?.equals(value))
}
