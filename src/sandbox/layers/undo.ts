/** Undoes steps of an apply. Each can be undone again, and what is not what the apply left there is not touched in silence. */
import { chmodSync, constants, mkdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { printable } from '../../base/log.ts'
import { exchange, O_PATH, pathOf, removeXattr, renameNew, using, writeXattr } from '../../kernel/trees.ts'
import { hasSameContent, ownXattrs } from './content.ts'
import { giveOwner } from './copy-file.ts'
import type { Sides } from './doing.ts'
import { type Facts, factsOfRow, hasSameTime, isAbsence, isSameBytes } from './facts.ts'
import type { Journal } from './journal.ts'
import { makeOlder, olderOf, temporaryOf, wasBefore } from './kept.ts'
import type { ApplyOptions } from './select.ts'
import type { Step } from './steps.ts'
import type { Tree } from './tree.ts'

interface Undoing {
  readonly sides: readonly Sides[]
  readonly conflicts: ApplyOptions['conflicts']
  readonly onStep?: (done: number, all: number) => void
}

/** Absolute paths of what the host changed since, and that was left so. @throws RuntimeError `apply-conflict`, `apply-failed` */
export function undoSteps({ id, steps }: Journal, { sides, conflicts, onStep }: Undoing): string[] {
  const left: string[] = []
  for (const [count, step] of steps.toReversed().entries()) {
    const side = sides[step.folder]
    if (side === undefined)
      throw new RuntimeError('layer-damaged', { what: 'the journal names a folder that the layer has not' })
    const place = join(side.top, step.path)
    const undo = new Undo(side, step, temporaryOf(id, step, steps.length - 1 - count))
    try {
      if (!undo.run(conflicts)) left.push(place)
    } catch (error) {
      // with the directory around it gone there is nothing to undo
      if (!isAbsence(error)) throw explain(error, place, step)
    }
    if (left.length > 0 && conflicts === undefined)
      throw new RuntimeError('apply-conflict', {
        what: `the host changed ${printable(place)} since the layer was half applied`,
        fix: 'usnea apply --roll-back again, with --theirs to keep what the host has there, or --force to undo it',
      })
    onStep?.(count + 1, steps.length)
  }
  return left
}

function explain(error: unknown, place: string, { do: verb }: Step): unknown {
  const errno = errnoOf(error)
  if (error instanceof RuntimeError || errno === undefined) return error
  const fix = 'remove the cause and usnea apply --roll-back again: that goes on where it ended'
  return new RuntimeError('apply-failed', {
    what: `cannot undo ${printable(place)} (${verb})`,
    errno,
    fix,
    cause: error,
  })
}

class Undo {
  readonly #host: Tree
  readonly #layer: Tree
  readonly #step: Step
  readonly #temporary: string

  constructor({ host, layer }: Sides, step: Step, temporary: string) {
    this.#host = host
    this.#layer = layer
    this.#step = step
    this.#temporary = temporary
  }

  /** False when the host changed it since, and it is left so. */
  run(conflicts: ApplyOptions['conflicts']): boolean {
    if (this.#step.do === 'mkdir') return this.#removeMade()
    if (this.#step.do === 'meta') return this.#undress(conflicts === 'force')
    if (this.#step.do === 'remove') return this.#bringBack()
    return this.#takeBack(conflicts)
  }

  /** The name of what was there before, where it was kept. */
  #kept(): string | undefined {
    return [olderOf(this.#temporary), this.#temporary].find((name) => {
      const facts = this.#host.facts(name)
      return facts !== undefined && wasBefore(this.#step, facts)
    })
  }

  #at(path: string): Buffer {
    return this.#host.at(path)
  }

  #forget(name: string): void {
    if (this.#host.facts(name) !== undefined) unlinkSync(this.#at(name))
  }

  /** A file or link that was put in place. */
  #takeBack(conflicts: ApplyOptions['conflicts']): boolean {
    const { path, expected } = this.#step
    const current = this.#host.facts(path)
    const isBefore = current !== undefined && wasBefore(this.#step, current)
    const isPlaced = current !== undefined && !isBefore && this.#isPlaced(current)
    const kept = this.#kept()
    if (kept === undefined) {
      if (isPlaced && expected !== null && conflicts === 'theirs') return false
      if (isPlaced && expected !== null) throw this.#noWayBack()
      // what was made and not put in place yet, or what an undoing that stopped here has taken out of it
      for (const name of [this.#temporary, olderOf(this.#temporary)]) this.#forget(name)
      if (isPlaced) unlinkSync(this.#at(path))
      // what stands there was never ours, or is the host's again; of another kind it is what was not out of the way yet
      return expected !== null || current === undefined || isPlaced || current.kind !== this.#layer.facts(path)?.kind
    }
    if (current === undefined) renameNew(this.#at(kept), this.#at(path))
    else if (!isBefore && (isPlaced || conflicts === 'force')) this.#swap(kept)
    else if (!isBefore) return false
    for (const name of [this.#temporary, olderOf(this.#temporary)]) this.#forget(name)
    return true
  }

  #swap(kept: string): void {
    if (kept === this.#temporary) makeOlder(this.#host, kept)
    const older = this.#at(olderOf(this.#temporary))
    exchange(older, this.#at(this.#step.path))
  }

  #isPlaced(current: Facts): boolean {
    const { do: verb, path, to } = this.#step
    const now = this.#layer.facts(path)
    if (now === undefined || now.kind !== current.kind) return false
    if (verb === 'link') return to !== undefined && this.#host.facts(to)?.ino === current.ino
    if (verb === 'symlink') return this.#layer.link(path) === this.#host.link(path)
    return now.size === current.size && hasSameTime(now, current) && hasSameContent(this.#layer, this.#host, path)
  }

  #noWayBack(): RuntimeError {
    return new RuntimeError('apply-failed', {
      what: `${printable(this.#step.path)} cannot be brought back`,
      why: 'its file system can neither exchange names nor give a file two, so what was there before could not be kept',
      fix: 'usnea apply --roll-back --theirs leaves it as it is',
    })
  }

  /** Something that was removed. */
  #bringBack(): boolean {
    const { path, expected } = this.#step
    const current = this.#host.facts(path)
    const kept = this.#kept()
    if (kept === undefined) {
      if (current !== undefined || expected === null) return true
      const before = factsOfRow(expected)
      if (before.kind !== 'directory') return false
      mkdirSync(this.#at(path), { mode: 0o700 })
      giveOwner(this.#at(path), before)
      // a command that may write here may have put a link in its place
      using(this.#host.open(path, O_PATH | constants.O_DIRECTORY), (fd) => chmodSync(pathOf(fd), before.mode))
      return true
    }
    if (current !== undefined) return false
    this.#host.forget()
    renameNew(this.#at(kept), this.#at(path))
    this.#host.forget()
    return true
  }

  #removeMade(): boolean {
    const { path } = this.#step
    if (this.#host.facts(path)?.kind !== 'directory') return true
    this.#host.forget()
    try {
      rmdirSync(this.#at(path))
    } catch (error) {
      if (errnoOf(error) === 'ENOTEMPTY') return false
      throw error
    }
    return true
  }

  #undress(isForced: boolean): boolean {
    const { path, expected, xattrs = [] } = this.#step
    const current = this.#host.facts(path)
    const before = expected === null ? undefined : factsOfRow(expected)
    // a new directory goes as a whole
    if (before === undefined || before.kind !== this.#layer.facts(path)?.kind) return true
    if (current === undefined || current.kind !== before.kind) return false
    if (before.kind === 'file' && !isSameBytes(before, current) && !isForced) return false
    const target = this.#at(path)
    const wanted = new Map(xattrs.map(([name, value]) => [name, Buffer.from(value, 'base64')]))
    const there = ownXattrs(this.#host, path)
    for (const name of there.keys()) if (!wanted.has(name)) removeXattr(target, name)
    for (const [name, value] of wanted) if (!there.get(name)?.equals(value)) writeXattr(target, name, value)
    giveOwner(target, before)
    using(this.#host.open(path, O_PATH), (fd) => chmodSync(pathOf(fd), before.mode))
    return true
  }
}
