/** One file, link or directory from one tree into another, with all that belongs to it. */
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  ftruncateSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  openSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { bytesOfText } from '../../base/bytes.ts'
import { errnoOf } from '../../base/errors.ts'
import { O_PATH, pathOf, readXattrs, seekData, using, writeXattr } from '../../kernel/trees.ts'
import { fill, ownXattrs } from './content.ts'
import type { Facts } from './facts.ts'
import type { Tree } from './tree.ts'

const CHUNK = 1 << 17

export interface CopyOptions {
  /** What it is, for whom has just looked. */
  readonly facts?: Facts
  readonly mode: number
  /** Is the content to be on disk when this returns? */
  readonly isSynced?: boolean
  /** Is it no failure when the owner cannot be given? */
  readonly isLenient?: boolean
}

/**
 * Makes `to`, which must not exist: a reflink where the file system has them, holes kept, with times, extended
 * attributes and the owner where it differs. Throws the system error.
 */
export function copyFile(
  from: Tree,
  path: string,
  to: Buffer,
  { facts = from.facts(path), mode, isSynced = false, isLenient = false }: CopyOptions,
): void {
  if (facts === undefined) throw Object.assign(new Error(`${path} is gone`), { code: 'ENOENT' })
  using(from.open(path), (source) => {
    if (facts.blocks * 512 < facts.size && facts.size > CHUNK) copyHoles(source, to, facts.size)
    else copyFileSync(pathOf(source), to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  })
  // Attributes need a file that may be written to, and a change of owner takes setuid away, so the mode comes last.
  using(openSync(to, O_PATH | constants.O_NOFOLLOW), (handle) => {
    chmodSync(pathOf(handle), 0o600)
    for (const [name, value] of ownXattrs(from, path)) writeXattr(to, name, value)
    if (isSynced) using(openSync(pathOf(handle), 'r'), fsyncSync)
    giveOwner(to, facts, isLenient)
    chmodSync(pathOf(handle), mode)
  })
  keepTimes(to, facts)
}

function copyHoles(source: number, to: Buffer, size: number): void {
  const target = openSync(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
  try {
    const buffer = Buffer.allocUnsafe(CHUNK)
    // what is not there is not read either: it would fill the memory with zeros
    for (let at = seekData(source, 0); at !== undefined && at < size; at = seekData(source, at)) {
      const got = fill(source, buffer)
      if (got === 0) break
      const piece = buffer.subarray(0, got)
      if (!isZero(piece)) for (let done = 0; done < got; ) done += writeSync(target, piece, done, got - done, at + done)
      at += got
    }
    ftruncateSync(target, size)
  } finally {
    closeSync(target)
  }
}

const zeros = Buffer.alloc(CHUNK)
const isZero = (bytes: Buffer): boolean => zeros.compare(bytes, 0, bytes.length, 0, bytes.length) === 0

export function copyLink(from: Tree, path: string, to: Buffer, isLenient = false): void {
  symlinkSync(bytesOfText(from.link(path)), to)
  const facts = from.facts(path)
  if (facts !== undefined) giveOwner(to, facts, isLenient)
}

/** Nobody gives a file away to the owner that it has already; that needs no right either. */
export function giveOwner(to: Buffer, { uid, gid }: Facts, isLenient = false): void {
  const now = lstatSync(to)
  if (uid === now.uid && gid === now.gid) return
  try {
    lchownSync(to, uid, gid)
  } catch (error) {
    if (!isLenient || errnoOf(error) !== 'EPERM') throw error
  }
}

/** In microseconds, which is all that Node gives on; the half keeps its number from being cut to the one before. */
export function keepTimes(to: Buffer, { mtime }: Facts): void {
  const seconds = (Number(mtime / 1000n) + 0.5) / 1e6
  lutimesSync(to, seconds, seconds)
}

/** ACLs and user attributes of a directory; those that are gone are not removed. */
export function copyXattrs(from: Tree, path: string, to: Buffer): void {
  const there = readXattrs(to)
  for (const [name, value] of ownXattrs(from, path)) {
    if (there.get(name)?.equals(value)) continue
    try {
      writeXattr(to, name, value)
    } catch (error) {
      if (errnoOf(error) !== 'EOPNOTSUPP') throw error
    }
  }
}
