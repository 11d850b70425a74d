/**
 * Does the steps of an apply. New content is made beside its place under a name of ours, brought to disk, and put in
 * place by one rename; what was there before is looked at once more when it is out of the way, and put back when it is
 * not what it was expected to be. So a file is the old one or the new one at any time, and every step may be repeated.
 */
import { chmodSync, linkSync, mkdirSync, renameSync, rmdirSync, rmSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { printable } from '../../base/log.ts'
import { exchange, O_PATH, pathOf, removeXattr, renameNew, syncFileSystem, using } from '../../kernel/trees.ts'
import { hasSameContent, ownXattrs } from './content.ts'
import { copyFile, copyLink, copyXattrs, giveOwner } from './copy-file.ts'
import { type Facts, factsOfRow, hasSameOwner, hasSameTime, isAbsence, isSameBytes, readFacts } from './facts.ts'
import type { Step } from './steps.ts'
import { joined, splitPath, type Tree } from './tree.ts'

/** Files that are made before the first of them is put in place: one wait for the disk is enough for them. */
const BATCH = 256
/** From so many on the whole file system is brought to disk instead of each file. */
const MANY = 8

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
  readonly onStep?: (done: number, all: number) => void
}

export function executeSteps(steps: readonly Step[], execution: Execution): void {
  const executor = new Executor(execution)
  for (let at = 0; at < steps.length; ) {
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
      if (steps.length >= MANY) this.sync()
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

  #temporary({ folder, path }: Step, number: number): { at: Buffer; path: string } {
    const name = joined(splitPath(path)[0], `.usnea-${this.#execution.id}-${number}`)
    return { at: this.#side({ folder } as Step).host.at(name), path: name }
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
      this.#tidy(step, temporary.at)
      return false
    }
    rmSync(temporary.at, { force: true })
    copyFile(layer, step.path, temporary.at, { mode: now.mode, isSynced: isAlone })
    return true
  }

  #wanted(step: Step): Facts {
    const now = this.#side(step).layer.facts(step.path)
    if (now === undefined)
      throw new RuntimeError('layer-damaged', { what: `${printable(step.path)} is gone from the layer` })
    return now
  }

  /** After an interruption what was there before may still have our name. Nothing else is thrown away. */
  #tidy(step: Step, temporary: Buffer): void {
    const left = readFacts(temporary)
    if (left === undefined) return
    const expected = this.#expected(step, left)
    if (expected !== undefined && !isSameBytes(left, expected)) throw this.#conflict(step)
    unlinkSync(temporary)
  }

  #expected(step: Step, current: Facts | undefined): Facts | undefined {
    if (this.#execution.isForced) return current
    return step.expected === null ? undefined : factsOfRow(step.expected)
  }

  #place(step: Step, { at: temporary }: { at: Buffer }): void {
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
      renameSync(temporary, target)
      return
    }
    const displaced = readFacts(temporary)
    if (displaced === undefined || !isSameBytes(displaced, expected)) {
      exchange(temporary, target)
      unlinkSync(temporary)
      throw this.#conflict(step)
    }
    unlinkSync(temporary)
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
      this.#tidy(step, temporary.at)
      return
    }
    rmSync(temporary.at, { force: true })
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
    using(host.open(step.path, O_PATH), (fd) => chmodSync(pathOf(fd), now.mode))
  }

  #remove(step: Step, number: number): void {
    const { host } = this.#side(step)
    const current = host.facts(step.path)
    if (current === undefined) {
      this.#tidyRemoved(step, number)
      return
    }
    if (this.#isReplaced(step, current)) return
    const expected = this.#expected(step, current)
    const temporary = this.#temporary(step, number)
    if (current.kind === 'directory') {
      this.#removeDirectory(step, current)
      return
    }
    if (expected === undefined || !isSameBytes(expected, current)) throw this.#conflict(step)
    renameNew(host.at(step.path), temporary.at)
    const taken = readFacts(temporary.at)
    if (taken !== undefined && !isSameBytes(taken, expected)) {
      renameNew(temporary.at, host.at(step.path))
      throw this.#conflict(step)
    }
    unlinkSync(temporary.at)
  }

  /** Done again after an interruption: what makes way is gone, and the new one stands there already. */
  #isReplaced(step: Step, current: Facts): boolean {
    const now = this.#side(step).layer.facts(step.path)
    const before = step.expected === null ? undefined : factsOfRow(step.expected)
    return now !== undefined && before !== undefined && now.kind !== before.kind && now.kind === current.kind
  }

  /** With the directory around it gone as well there is nothing left of it. */
  #tidyRemoved(step: Step, number: number): void {
    try {
      this.#tidy(step, this.#temporary(step, number).at)
    } catch (error) {
      if (!isAbsence(error)) throw error
    }
  }

  #removeDirectory(step: Step, current: Facts): void {
    const { host } = this.#side(step)
    const expected = this.#expected(step, current)
    if (expected?.ino !== current.ino) throw this.#conflict(step)
    host.forget()
    try {
      rmdirSync(host.at(step.path))
    } catch (error) {
      if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') throw this.#conflict(step)
      throw error
    }
    host.forget()
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

const isDone = (now: Facts, host: Facts | undefined): boolean =>
  host !== undefined &&
  host.kind === now.kind &&
  host.size === now.size &&
  host.mode === now.mode &&
  hasSameTime(now, host)
