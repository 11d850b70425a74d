/**
 * Does the steps of an apply. New content is made beside its place under a name of ours, brought to disk, and put in
 * place by one rename; what was there before is looked at once more when it is out of the way, and put back when it is
 * not what it was expected to be. So a file is the old one or the new one at any time, and every step may be repeated.
 * What was there before is kept until all is done, see kept.ts.
 */
import { chmodSync, linkSync, mkdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { printable } from '../../base/log.ts'
import { exchange, O_PATH, pathOf, removeXattr, renameNew, syncFileSystem, using } from '../../kernel/trees.ts'
import { hasSameContent, ownXattrs } from './content.ts'
import { copyFile, copyLink, copyXattrs, giveOwner } from './copy-file.ts'
import { type Facts, factsOfRow, hasSameOwner, hasSameTime, isSameBytes, readFacts } from './facts.ts'
import { makeOlder, moveDirectory, olderOf, temporaryOf, wasBefore } from './kept.ts'
import type { Step } from './steps.ts'
import type { Tree } from './tree.ts'

/** Files that are made before the first of them is put in place: one wait for the disk is enough for them. */
const BATCH = 2048
/** From so many on the whole file system is brought to disk instead of each file. */
const MANY = 8

const OWNERS = 0o700

/** Is the owner, us, kept out of such a directory? */
export const isClosed = (mode: number): boolean => (mode & OWNERS) !== OWNERS

export interface Sides {
  readonly top: string
  readonly layer: Tree
  readonly host: Tree
}

export interface Execution {
  readonly id: string
  readonly sides: readonly Sides[]
  /** Overwrite also what the host changed since the steps were planned. */
  readonly isForced: boolean
  /** So many of the first steps are done. */
  readonly doneSteps: number
  readonly onStep?: (done: number, all: number) => void
  /** So many steps are done and on disk. */
  readonly onSynced: (count: number) => void
}

export function executeSteps(steps: readonly Step[], execution: Execution): void {
  const executor = new Executor(execution)
  for (let at = execution.doneSteps; at < steps.length; ) {
    const count = stagedFrom(steps, at)
    executor.do(steps.slice(at, at + count), at)
    at += count
    execution.onStep?.(at, steps.length)
  }
  executor.sync()
}

function stagedFrom(steps: readonly Step[], at: number): number {
  let count = 0
  while (count < BATCH && steps[at + count]?.do === 'file') count++
  return Math.max(1, count)
}

class Executor {
  readonly #execution: Execution

  constructor(execution: Execution) {
    this.#execution = execution
  }

  do(steps: readonly Step[], first: number): void {
    let current = steps[0]
    try {
      const staged = steps.map((step, index) => {
        current = step
        return step.do === 'file' ? this.#stage(step, { number: first + index, isAlone: steps.length < MANY }) : false
      })
      if (steps.length >= MANY) {
        this.sync()
        this.#execution.onSynced(first)
      }
      for (const [index, step] of steps.entries()) {
        current = step
        if (step.do !== 'file') this.#one(step, first + index)
        else if (staged[index]) this.#place(step, this.#temporary(step, first + index))
      }
    } catch (error) {
      throw current === undefined ? error : this.#explain(error, current)
    }
  }

  sync(): void {
    for (const { host } of this.#execution.sides) using(host.openTop(), syncFileSystem)
  }

  #side({ folder }: Step): Sides {
    const side = this.#execution.sides[folder]
    if (side === undefined)
      throw new RuntimeError('layer-damaged', { what: 'the journal names a folder that the layer has not' })
    return side
  }

  #temporary(step: Step, number: number): { at: Buffer; path: string } {
    const path = temporaryOf(this.#execution.id, step, number)
    return { at: this.#side(step).host.at(path), path }
  }

  #one(step: Step, number: number): void {
    if (step.do === 'mkdir') this.#makeDirectory(step)
    else if (step.do === 'meta') this.#dress(step)
    else if (step.do === 'remove') this.#remove(step, number)
    else this.#linkOrSymlink(step, number)
  }

  /** False when it is there already. */
  #stage(step: Step, { number, isAlone }: { number: number; isAlone: boolean }): boolean {
    const { layer, host } = this.#side(step)
    const now = this.#wanted(step)
    const temporary = this.#temporary(step, number)
    if (isDone(now, host.facts(step.path)) && hasSameContent(layer, host, step.path)) {
      this.#checkKept(step, temporary.at)
      return false
    }
    this.#clear(step, temporary)
    copyFile(layer, step.path, temporary.at, { mode: now.mode, isSynced: isAlone })
    return true
  }

  #wanted(step: Step): Facts {
    const now = this.#side(step).layer.facts(step.path)
    if (now === undefined)
      throw new RuntimeError('layer-damaged', { what: `${printable(step.path)} is gone from the layer` })
    return now
  }

  /** After an interruption what was there before has our name. Nothing else is taken for it. */
  #checkKept(step: Step, temporary: Buffer): void {
    const left = readFacts(temporary)
    if (left === undefined) return
    const expected = this.#expected(step, left)
    if (expected !== undefined && !wasBefore(step, left)) throw this.#conflict(step)
  }

  /** What an interruption left under our name goes, but not what was there before: its place has been changed since. */
  #clear(step: Step, { at, path }: { at: Buffer; path: string }): void {
    const left = readFacts(at)
    if (left === undefined) return
    const isBefore = wasBefore(step, left)
    if (isBefore && !this.#execution.isForced) throw this.#conflict(step)
    if (isBefore) makeOlder(this.#side(step).host, path)
    else unlinkSync(at)
  }

  #expected(step: Step, current: Facts | undefined): Facts | undefined {
    if (this.#execution.isForced) return current
    return step.expected === null ? undefined : factsOfRow(step.expected)
  }

  #place(step: Step, { at: temporary, path }: { at: Buffer; path: string }): void {
    const { host } = this.#side(step)
    const target = host.at(step.path)
    const current = host.facts(step.path)
    const expected = this.#expected(step, current)
    if (current === undefined) {
      this.#putNew(step, temporary, target)
      return
    }
    if (expected === undefined || !isSameBytes(current, expected)) {
      unlinkSync(temporary)
      throw this.#conflict(step)
    }
    if (!tryExchange(temporary, target)) {
      keepName(target, host.at(olderOf(path)))
      renameSync(temporary, target)
      return
    }
    const displaced = readFacts(temporary)
    if (displaced === undefined || !isSameBytes(displaced, expected)) {
      exchange(temporary, target)
      unlinkSync(temporary)
      throw this.#conflict(step)
    }
  }

  /** The host removed it since, or never had it. */
  #putNew(step: Step, temporary: Buffer, target: Buffer): void {
    const isRemoved = step.expected !== null && !this.#execution.isForced
    try {
      if (isRemoved) throw this.#conflict(step)
      renameNew(temporary, target)
    } catch (error) {
      unlinkSync(temporary)
      throw errnoOf(error) === 'EEXIST' ? this.#conflict(step) : error
    }
  }

  #linkOrSymlink(step: Step, number: number): void {
    const { layer, host } = this.#side(step)
    const temporary = this.#temporary(step, number)
    const current = host.facts(step.path)
    const source = step.to === undefined ? undefined : host.facts(step.to)
    const isThere =
      step.do === 'symlink'
        ? current?.kind === 'symlink' && host.link(step.path) === layer.link(step.path)
        : current !== undefined && current.ino === source?.ino
    if (isThere) {
      this.#checkKept(step, temporary.at)
      return
    }
    this.#clear(step, temporary)
    if (step.do === 'symlink') copyLink(layer, step.path, temporary.at)
    else linkSync(host.at(step.to ?? ''), temporary.at)
    this.#place(step, temporary)
  }

  #makeDirectory(step: Step): void {
    const { host } = this.#side(step)
    try {
      mkdirSync(host.at(step.path), { mode: 0o700 })
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
      if (host.facts(step.path)?.kind !== 'directory') throw this.#conflict(step)
    }
  }

  #dress(step: Step): void {
    const { layer, host } = this.#side(step)
    const [now, current] = [this.#wanted(step), host.facts(step.path)]
    if (current === undefined || current.kind !== now.kind) throw this.#conflict(step)
    const expected = this.#expected(step, current)
    if (now.kind === 'file' && (expected === undefined || !isSameBytes(expected, current))) throw this.#conflict(step)
    const target = host.at(step.path)
    const wanted = ownXattrs(layer, step.path)
    for (const name of ownXattrs(host, step.path).keys()) if (!wanted.has(name)) removeXattr(target, name)
    copyXattrs(layer, step.path, target)
    if (!hasSameOwner(now, current)) giveOwner(target, now)
    // A file or directory, as was just seen: chmod would follow a link.
    const isLast = now.kind === 'directory' && isClosed(now.mode)
    using(host.open(step.path, O_PATH), (fd) => chmodSync(pathOf(fd), isLast ? now.mode | OWNERS : now.mode))
  }

  #remove(step: Step, number: number): void {
    const { host } = this.#side(step)
    const current = host.facts(step.path)
    if (current === undefined || this.#isReplaced(step, current)) return
    const expected = this.#expected(step, current)
    const temporary = this.#temporary(step, number)
    this.#clear(step, temporary)
    if (current.kind === 'directory') {
      this.#removeDirectory(step, current, temporary.path)
      return
    }
    if (expected === undefined || !isSameBytes(expected, current)) throw this.#conflict(step)
    renameNew(host.at(step.path), temporary.at)
    const taken = readFacts(temporary.at)
    if (taken !== undefined && !isSameBytes(taken, expected)) {
      renameNew(temporary.at, host.at(step.path))
      throw this.#conflict(step)
    }
  }

  /** Done again after an interruption: what makes way is gone, and the new one stands there already. */
  #isReplaced(step: Step, current: Facts): boolean {
    const now = this.#side(step).layer.facts(step.path)
    const before = step.expected === null ? undefined : factsOfRow(step.expected)
    return now !== undefined && before !== undefined && now.kind !== before.kind && now.kind === current.kind
  }

  #removeDirectory(step: Step, current: Facts, temporary: string): void {
    const { host } = this.#side(step)
    if (this.#expected(step, current)?.ino !== current.ino) throw this.#conflict(step)
    try {
      if (!moveDirectory(host, { from: step.path, to: temporary, id: this.#execution.id })) throw this.#conflict(step)
    } catch (error) {
      if (errnoOf(error) !== 'EACCES') throw error
      // closed to us, which forbids to look into it, and not to remove it
      host.forget()
      rmdirSync(host.at(step.path))
    }
  }

  #conflict(step: Step): RuntimeError {
    const place = printable(join(this.#side(step).top, step.path))
    return new RuntimeError('apply-conflict', {
      what: `the host changed ${place} while the layer was being applied`,
      fix: 'usnea apply it again: that goes on where it ended, with --force over what the host changed',
    })
  }

  #explain(error: unknown, step: Step): unknown {
    const errno = errnoOf(error)
    if (error instanceof RuntimeError || errno === undefined) return error
    const place = printable(join(this.#side(step).top, step.path))
    return new RuntimeError('apply-failed', { what: `cannot apply ${place} (${step.do})`, errno, cause: error })
  }
}

function tryExchange(from: Buffer, to: Buffer): boolean {
  try {
    exchange(from, to)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EINVAL' || errnoOf(error) === 'ENOSYS') return false
    throw error
  }
}

/** Another name for it, so that it stays. Some file systems have none; then there is no way back. */
function keepName(target: Buffer, older: Buffer): void {
  try {
    linkSync(target, older)
  } catch (error) {
    if (!['EEXIST', 'EPERM', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS'].includes(errnoOf(error) ?? '')) throw error
  }
}

const isDone = (now: Facts, host: Facts | undefined): boolean =>
  host !== undefined &&
  host.kind === now.kind &&
  host.size === now.size &&
  host.mode === now.mode &&
  hasSameTime(now, host)
