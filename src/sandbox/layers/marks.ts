/**
 * How an upper directory says that something of the host's is gone, or seen no more. The kernel writes a character device
 * 0:0, or an empty file with an attribute, and an attribute for a directory that hides all below. fuse-overlayfs writes
 * the device where it may, and else an empty file `.wh.NAME`; its directories have a file `.wh..wh..opq`, and an attribute
 * where there are any. No command can make a file with such a name there, and none of the host's is seen.
 */
import { rmSync } from 'node:fs'
import { bytesOfText } from '../../base/bytes.ts'
import { removeXattr } from '../../kernel/trees.ts'
import type { Backend } from '../backends.ts'
import type { Facts } from './facts.ts'
import { joined, splitPath, type Tree } from './tree.ts'

/** Since Linux 6.7. */
const WHITEOUT = 'user.overlay.whiteout'
const PREFIX = '.wh.'
/** Bytes: NAME_MAX of limits.h. */
const LONGEST_NAME = 255
const OPAQUE_NAME = '.wh..wh..opq'

/** What one directory of the upper tree says. */
export interface Entries {
  readonly names: readonly string[]
  /** Names of the host's that are gone, and have nothing else in their place. */
  readonly removed: readonly string[]
  /** Is nothing seen of what the host has in it? */
  readonly isOpaque: boolean
}

export interface Marks {
  /** The attribute of what was copied from the host. */
  readonly origin: string
  entries(upper: Tree, directory: string): Entries
  isOpaque(upper: Tree, directory: string): boolean
  /** Does the command see nothing of the host's file because of its name? */
  isUnseen(host: Tree, path: string): boolean
  /** Where a removal of the path may be marked, besides the path itself. */
  whiteoutOf(path: string): string | undefined
  isWhiteout(upper: Tree, path: string, now: Facts): boolean
  /** Shows what the host has in a directory again. */
  open(upper: Tree, directory: string): void
}

/** Inside a user namespace. */
const kernels: Marks = {
  origin: 'user.overlay.origin',
  entries(upper, directory) {
    return { names: upper.names(directory), removed: [], isOpaque: kernels.isOpaque(upper, directory) }
  },
  isOpaque: (upper, directory) => directory !== '' && isMarked(upper, directory, 'user.overlay.opaque'),
  isUnseen: () => false,
  whiteoutOf: () => undefined,
  isWhiteout: (upper, path, now) =>
    isNoDevice(now) || (now.kind === 'file' && now.size === 0 && upper.xattr(path, WHITEOUT) !== undefined),
  open: (upper, directory) => removeXattr(upper.at(directory), 'user.overlay.opaque'),
}

/** Besides the file. Which one depends on its rights. */
const opaqueMarks = ['user.fuseoverlayfs.opaque', 'trusted.overlay.opaque']
/** New versions write that, and obey it; some old ones let the command write it, so it counts for nothing without the file. */
const FORGED = 'user.overlay.opaque'

const served: Marks = {
  origin: 'user.fuseoverlayfs.origin',
  entries(upper, directory) {
    const all = upper.names(directory)
    const names = all.filter((name) => !isReserved(name))
    const known = new Set(names)
    const gone = all.filter((name) => isReserved(name) && name !== OPAQUE_NAME).map((name) => name.slice(PREFIX.length))
    return { names, removed: gone.filter((name) => !known.has(name)), isOpaque: served.isOpaque(upper, directory) }
  },
  isOpaque(upper, directory) {
    if (directory === '') return false
    const files = [joined(directory, OPAQUE_NAME), whiteoutBeside(directory)]
    return opaqueMarks.some((name) => isMarked(upper, directory, name)) || files.some((path) => isThere(upper, path))
  },
  isUnseen: (host, path) => path !== '' && (isReserved(splitPath(path)[1]) || isThere(host, whiteoutBeside(path))),
  whiteoutOf: whiteoutBeside,
  isWhiteout: (_, __, now) => isNoDevice(now),
  open(upper, directory) {
    for (const name of [...opaqueMarks, FORGED])
      if (isMarked(upper, directory, name)) removeXattr(upper.at(directory), name)
    for (const path of [joined(directory, OPAQUE_NAME), whiteoutBeside(directory)])
      if (isThere(upper, path)) rmSync(upper.at(path))
  },
}

/** Of a number that no driver has. Who makes one in a directory that is served has removed the name. */
const isNoDevice = (now: Facts): boolean => now.kind === 'device' && now.device === 0

const isReserved = (name: string): boolean => name.startsWith(PREFIX)

function whiteoutBeside(path: string): string {
  const [directory, name] = splitPath(path)
  return joined(directory, `${PREFIX}${name}`)
}

/** A name that is as long as it may be has no other beside it. */
const isThere = (tree: Tree, path: string): boolean =>
  bytesOfText(splitPath(path)[1]).length <= LONGEST_NAME && tree.facts(path) !== undefined

const isMarked = (upper: Tree, path: string, name: string): boolean => upper.xattr(path, name)?.toString() === 'y'

export const marksOf = (backend: Exclude<Backend, 'copy'>): Marks => (backend === 'overlay' ? kernels : served)
