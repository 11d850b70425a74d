/**
 * How an upper directory says that something of the host's is gone, or seen no more. The kernel writes a character device
 * 0:0, or an empty file with an attribute, and an attribute for a directory that hides all below. fuse-overlayfs writes
 * the device where it may, and else an empty file `.wh.NAME`; its directories have a file `.wh..wh..opq`, and an attribute
 * where there are any. None of the host's files with such a name is seen. Its versions keep a command from making one
 * with open(2) only: an empty file that was made in another way is a mark all the same, and anything else is none.
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
  whiteoutOf(upper: Tree, path: string): string | undefined
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
    const isMark = (name: string) => isReserved(name) && isMarkFile(upper, joined(directory, name))
    const marks = new Set(all.filter(isMark))
    const names = all.filter((name) => !marks.has(name))
    const known = new Set(names)
    const gone = [...marks].filter((name) => name !== OPAQUE_NAME).map((name) => name.slice(PREFIX.length))
    const removed = gone.filter((name) => !known.has(name) && !noNames.has(name))
    return { names, removed, isOpaque: served.isOpaque(upper, directory) }
  },
  isOpaque(upper, directory) {
    if (directory === '') return false
    const files = [joined(directory, OPAQUE_NAME), whiteoutBeside(directory)]
    return opaqueMarks.some((name) => isMarked(upper, directory, name)) || files.some((path) => isMarkFile(upper, path))
  },
  isUnseen: (host, path) => path !== '' && (isReserved(splitPath(path)[1]) || isThere(host, whiteoutBeside(path))),
  whiteoutOf(upper, path) {
    const beside = whiteoutBeside(path)
    return isMarkFile(upper, beside) ? beside : undefined
  },
  isWhiteout: (_, __, now) => isNoDevice(now),
  open(upper, directory) {
    for (const name of [...opaqueMarks, FORGED])
      if (isMarked(upper, directory, name)) removeXattr(upper.at(directory), name)
    for (const path of [joined(directory, OPAQUE_NAME), whiteoutBeside(directory)])
      if (isMarkFile(upper, path)) rmSync(upper.at(path))
  },
}

/** Of a number that no driver has. Who makes one in a directory that is served has removed the name. */
const isNoDevice = (now: Facts): boolean => now.kind === 'device' && now.device === 0

/** What would be said to be gone by `.wh.`, `.wh..` and `.wh...`: the directory itself, or the one around it. */
const noNames = new Set(['', '.', '..'])

const isReserved = (name: string): boolean => name.startsWith(PREFIX)

function whiteoutBeside(path: string): string {
  const [directory, name] = splitPath(path)
  return joined(directory, `${PREFIX}${name}`)
}

/** A name that is as long as it may be has no other beside it. */
const isThere = (tree: Tree, path: string): boolean =>
  bytesOfText(splitPath(path)[1]).length <= LONGEST_NAME && tree.facts(path) !== undefined

/** Devices, directories and all else with such a name are the command's own. */
function isMarkFile(upper: Tree, path: string): boolean {
  if (bytesOfText(splitPath(path)[1]).length > LONGEST_NAME) return false
  const facts = upper.facts(path)
  return facts?.kind === 'file' && facts.size === 0
}

const isMarked = (upper: Tree, path: string, name: string): boolean => upper.xattr(path, name)?.toString() === 'y'

export const marksOf = (backend: Exclude<Backend, 'copy'>): Marks => (backend === 'overlay' ? kernels : served)
