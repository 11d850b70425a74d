/** The last way to try something: a whole copy of the folder, and what its files were when it was made. */
import { chmodSync, constants, linkSync, mkdirSync, rmSync } from 'node:fs'
import { errnoOf } from '../../base/errors.ts'
import { copyFile, copyLink, copyXattrs, giveOwner, keepTimes } from './copy-file.ts'
import { type Facts, isAbsence } from './facts.ts'
import { isTooLong, joined, Tree } from './tree.ts'

export interface Copied {
  /** What the files of the copy are. */
  readonly began: ReadonlyMap<string, Facts>
  /** What the host's files were. */
  readonly seen: ReadonlyMap<string, Facts>
  /** What could not be copied, and why. */
  readonly missing: readonly string[]
}

/** Fills an empty directory. What our user cannot read, and devices, pipes and sockets, are left out and told. */
export function copyFolder(top: string, target: string): Copied {
  const host = new Tree(top)
  const copy = new Tree(target)
  try {
    return new Copier(host, copy).run()
  } finally {
    host[Symbol.dispose]()
    copy[Symbol.dispose]()
  }
}

class Copier {
  readonly #host: Tree
  readonly #copy: Tree
  readonly #seen = new Map<string, Facts>()
  readonly #missing: string[] = []
  /** Files with several names, by inode, and the first of these in the copy. */
  readonly #links = new Map<bigint, string>()
  readonly #directories: string[] = []

  constructor(host: Tree, copy: Tree) {
    this.#host = host
    this.#copy = copy
  }

  run(): Copied {
    const waiting = ['']
    this.#remember('')
    for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
      this.#directories.push(directory)
      for (const name of this.#namesIn(directory)) {
        const path = joined(directory, name)
        if (this.#take(path) === 'directory') waiting.push(path)
      }
    }
    // From the inside out: what is made in a directory changes its times, and its mode may forbid it.
    for (const path of this.#directories.reverse()) this.#finish(path)
    const began = new Map<string, Facts>()
    for (const path of this.#seen.keys()) {
      const facts = this.#copy.facts(path)
      if (facts !== undefined) began.set(path, facts)
    }
    return { began, seen: this.#seen, missing: this.#missing }
  }

  #namesIn(directory: string): string[] {
    try {
      return this.#host.names(directory)
    } catch (error) {
      // EXDEV: a mount; the folder that is applied later ends there as well.
      if (!isAbsence(error) && !['EACCES', 'EXDEV'].includes(errnoOf(error) ?? '')) throw error
      this.#missing.push(`${directory}/*`)
      return []
    }
  }

  #remember(path: string): Facts | undefined {
    const facts = this.#host.facts(path)
    if (facts !== undefined) this.#seen.set(path, facts)
    return facts
  }

  #take(path: string): 'directory' | undefined {
    const facts = isTooLong(path) ? undefined : this.#host.facts(path)
    if (facts === undefined) return void this.#missing.push(path)
    if (facts.kind === 'directory') {
      mkdirSync(this.#copy.at(path), { mode: 0o700 })
      this.#seen.set(path, facts)
      return 'directory'
    }
    if (!this.#copyOne(path, facts)) this.#missing.push(path)
    else this.#seen.set(path, facts)
    return undefined
  }

  #copyOne(path: string, facts: Facts): boolean {
    if (facts.kind !== 'file' && facts.kind !== 'symlink') return false
    const first = facts.links > 1 ? this.#links.get(facts.ino) : undefined
    const target = this.#copy.at(path)
    try {
      if (first !== undefined) linkSync(this.#copy.at(first), target)
      else if (facts.kind === 'symlink') copyLink(this.#host, path, target, true)
      else copyFile(this.#host, path, target, { mode: facts.mode & 0o777, isLenient: true })
    } catch (error) {
      if (!['EACCES', 'EPERM', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error
      rmSync(target, { force: true })
      return false
    }
    if (facts.links > 1) this.#links.set(facts.ino, path)
    return true
  }

  #finish(path: string): void {
    const facts = this.#seen.get(path)
    if (facts === undefined) return
    const target = this.#copy.at(path)
    copyXattrs(this.#host, path, target)
    giveOwner(target, facts, true)
    chmodSync(target, facts.mode | constants.S_IRUSR | constants.S_IXUSR)
    keepTimes(target, facts)
  }
}
