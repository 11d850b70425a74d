/** What lstat(2) tells of a file, and how it is kept on disk. */
import { type BigIntStats, lstatSync } from 'node:fs'
import { errnoOf } from '../../base/errors.ts'

export type Kind = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'device'

export interface Facts {
  readonly kind: Kind
  readonly ino: bigint
  /** Bytes. */
  readonly size: number
  /** Nanoseconds since 1970. */
  readonly mtime: bigint
  readonly ctime: bigint
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly links: number
  /** Units of 512 bytes on disk. */
  readonly blocks: number
  /** The number of a device; 0 for the kernel's own mark of a removed file. */
  readonly device: number
}

/** Not there, or not reachable without leaving the tree by a link. */
const absences = new Set(['ENOENT', 'ENOTDIR', 'ELOOP'])

export const isAbsence = (error: unknown): boolean => absences.has(errnoOf(error) ?? '')

export function readFacts(path: Buffer): Facts | undefined {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? undefined : factsOf(stat)
}

function factsOf(stat: BigIntStats): Facts {
  return {
    kind: kindOf(stat),
    ino: stat.ino,
    size: Number(stat.size),
    mtime: stat.mtimeNs,
    ctime: stat.ctimeNs,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    links: Number(stat.nlink),
    blocks: Number(stat.blocks),
    device: Number(stat.rdev),
  }
}

function kindOf(stat: BigIntStats): Kind {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  if (stat.isSymbolicLink()) return 'symlink'
  if (stat.isFIFO()) return 'fifo'
  return stat.isSocket() ? 'socket' : 'device'
}

/** The same file with the same content, as far as can be told without reading it. Times of directories say nothing. */
export function isSame(a: Facts, b: Facts): boolean {
  if (a.kind !== b.kind || a.ino !== b.ino) return false
  return a.kind === 'directory' || (isSameBytes(a, b) && a.ctime === b.ctime)
}

/** The same, also after a rename or a change of the number of links, which change ctime. */
export const isSameBytes = (a: Facts, b: Facts): boolean =>
  a.kind === b.kind && a.ino === b.ino && a.size === b.size && a.mtime === b.mtime

const MICROSECOND = 1000n

/** Of files that we made: times are set in microseconds. */
export const hasSameTime = (a: Facts, b: Facts): boolean => a.mtime / MICROSECOND === b.mtime / MICROSECOND

export const hasSameOwner = (a: Facts, b: Facts): boolean => a.uid === b.uid && a.gid === b.gid

const kinds: readonly Kind[] = ['file', 'directory', 'symlink', 'fifo', 'socket', 'device']

/** A row of a file of facts. */
export type Row = readonly [number, string, number, string, string, number, number, number, number, number, number]

export const rowOf = (facts: Facts): Row => [
  kinds.indexOf(facts.kind),
  facts.ino.toString(36),
  facts.size,
  facts.mtime.toString(36),
  facts.ctime.toString(36),
  facts.mode,
  facts.uid,
  facts.gid,
  facts.links,
  facts.blocks,
  facts.device,
]

/** Throws for what is no row. */
export function factsOfRow(row: Row): Facts {
  const [kind, ino, size, mtime, ctime, mode, uid, gid, links, blocks, device] = row
  return {
    kind: kinds[kind] ?? 'device',
    ino: big(ino),
    size,
    mtime: big(mtime),
    ctime: big(ctime),
    mode,
    uid,
    gid,
    links,
    blocks,
    device,
  }
}

function big(text: string): bigint {
  const digits = text.replace('-', '')
  let value = 0n
  for (const digit of digits) value = value * 36n + BigInt(Number.parseInt(digit, 36))
  return text.startsWith('-') ? -value : value
}
