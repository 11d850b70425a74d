/** One directory tree that is held open. Paths count from its top, without a slash in front; the top itself is ''. */
import { chmodSync, closeSync, constants, readdirSync, readlinkSync } from 'node:fs'
import { bytesOfText, textOfBytes } from '../../base/bytes.ts'
import { errnoOf } from '../../base/errors.ts'
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
  readonly #isOurs: boolean
  /** What was closed to its owner, and its mode; the last one lies deepest. */
  readonly #unlocked = new Map<string, number>()

  /**
   * `path` is absolute and has no link in it. Throws the system error. `isOurs`: nobody else uses it, so what a command
   * left closed to its owner, us, is opened until the tree is let go.
   */
  constructor(path: string, isOurs = false) {
    this.#root = openTree(path)
    this.#isOurs = isOurs
  }

  [Symbol.dispose](): void {
    for (const [path, mode] of [...this.#unlocked].reverse())
      if (path === '' || readFacts(this.at(path)) !== undefined) chmodSync(this.at(path), mode)
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
    const fd = this.#unlocking(path, () => openDirectoryBeneath(this.#root, path))
    this.#open.set(path, fd)
    return fd
  }

  /** Once more when something on the way was closed. */
  #unlocking<T>(path: string, act: () => T): T {
    try {
      return act()
    } catch (error) {
      if (!this.#isOurs || errnoOf(error) !== 'EACCES') throw error
    }
    const parts = path === '' ? [] : path.split('/')
    for (let count = 0; count <= parts.length; count++) this.#unlock(parts.slice(0, count).join('/'))
    return act()
  }

  #unlock(path: string): void {
    const facts = readFacts(this.at(path))
    const needed = facts?.kind === 'directory' ? 0o700 : 0o400
    if (facts === undefined || facts.kind === 'symlink' || (facts.mode & needed) === needed) return
    this.#unlocked.set(path, facts.mode)
    chmodSync(this.at(path), facts.mode | needed)
  }

  /** For calls that do not follow a link at the end of a path. Throws when its directory is not there. */
  at(path: string): Buffer {
    const [directory, name] = splitPath(path)
    return nameIn(this.directory(directory), name === '' ? '.' : name)
  }

  /** Undefined when nothing is there. */
  facts(path: string): Facts | undefined {
    try {
      const facts = this.#unlocking(path, () => readFacts(this.at(path)))
      const mode = this.#unlocked.get(path)
      return facts === undefined || mode === undefined ? facts : { ...facts, mode }
    } catch (error) {
      if (isAbsence(error)) return undefined
      throw error
    }
  }

  names(path: string): string[] {
    const read = () => readdirSync(nameIn(this.directory(path), '.'), { encoding: 'buffer' })
    const list = this.#unlocking(path, read)
    return list.map(textOfBytes).sort()
  }

  link(path: string): string {
    return textOfBytes(readlinkSync(this.at(path), { encoding: 'buffer' }))
  }

  xattrs(path: string): Map<string, Buffer> {
    return this.#unlocking(path, () => readXattrs(this.at(path)))
  }

  /** Undefined when the file has none of that name. */
  xattr(path: string, name: string): Buffer | undefined {
    return this.#unlocking(path, () => readXattr(this.at(path), name)[0])
  }

  /** Opens a file that is no link. The caller closes it. */
  open(path: string, flags: number = constants.O_RDONLY): number {
    const [directory, name] = splitPath(path)
    return this.#unlocking(path, () => openBeneath(this.directory(directory), name, flags | constants.O_NOFOLLOW))
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
