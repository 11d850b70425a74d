/** One directory tree that is held open. Paths count from its top, without a slash in front; the top itself is ''. */
import { closeSync, constants, readdirSync, readlinkSync } from 'node:fs'
import { bytesOfText, textOfBytes } from '../../base/bytes.ts'
import {
  nameIn,
  openBeneath,
  openDirectoryBeneath,
  openTree,
  pathOf,
  readXattr,
  readXattrs,
} from '../../kernel/trees.ts'
import { type Facts, isAbsence, readFacts } from './facts.ts'

/** Open directories that are kept for the next name in them. */
const KEPT = 64
/** Bytes of a path that one call of the kernel takes, with room for the name of a file beside it. */
export const LONGEST_PATH = 3800

export const joined = (directory: string, name: string): string => (directory === '' ? name : `${directory}/${name}`)

export function splitPath(path: string): readonly [directory: string, name: string] {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)]
}

export class Tree implements Disposable {
  readonly #root: number
  readonly #open = new Map<string, number>()

  /** `path` is absolute and has no link in it. Throws the system error. */
  constructor(path: string) {
    this.#root = openTree(path)
  }

  [Symbol.dispose](): void {
    this.forget()
    closeSync(this.#root)
  }

  /** Closes directories: one that was removed or replaced must not be taken for what has its name now. */
  forget(): void {
    for (const fd of this.#open.values()) closeSync(fd)
    this.#open.clear()
  }

  directory(path: string): number {
    if (path === '') return this.#root
    const known = this.#open.get(path)
    if (known !== undefined) return known
    if (this.#open.size >= KEPT) {
      for (const [oldest, fd] of [...this.#open].slice(0, KEPT / 2)) {
        closeSync(fd)
        this.#open.delete(oldest)
      }
    }
    const fd = openDirectoryBeneath(this.#root, path)
    this.#open.set(path, fd)
    return fd
  }

  /** For calls that do not follow a link at the end of a path. Throws when its directory is not there. */
  at(path: string): Buffer {
    const [directory, name] = splitPath(path)
    return nameIn(this.directory(directory), name === '' ? '.' : name)
  }

  /** Undefined when nothing is there. */
  facts(path: string): Facts | undefined {
    try {
      return readFacts(this.at(path))
    } catch (error) {
      if (isAbsence(error)) return undefined
      throw error
    }
  }

  names(path: string): string[] {
    const list = readdirSync(nameIn(this.directory(path), '.'), { encoding: 'buffer' })
    return list.map(textOfBytes).sort()
  }

  link(path: string): string {
    return textOfBytes(readlinkSync(this.at(path), { encoding: 'buffer' }))
  }

  xattrs(path: string): Map<string, Buffer> {
    return readXattrs(this.at(path))
  }

  /** Undefined when the file has none of that name. */
  xattr(path: string, name: string): Buffer | undefined {
    return readXattr(this.at(path), name)[0]
  }

  /** Opens a file that is no link. The caller closes it. */
  open(path: string, flags: number = constants.O_RDONLY): number {
    const [directory, name] = splitPath(path)
    return openBeneath(this.directory(directory), name, flags | constants.O_NOFOLLOW)
  }

  /** A descriptor of the top that syncfs(2) takes. The caller closes it. */
  openTop(): number {
    return openBeneath(this.#root, '', constants.O_RDONLY | constants.O_DIRECTORY)
  }

  get path(): string {
    return pathOf(this.#root)
  }
}

export const isTooLong = (path: string): boolean => bytesOfText(path).length > LONGEST_PATH
