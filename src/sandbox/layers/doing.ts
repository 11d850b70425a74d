/** One step of an apply with both trees: what is there, what was expected, and what is made for it under names of ours. */
import { unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { printable } from '../../base/log.ts'
import { type Facts, factsOfRow, readFacts } from './facts.ts'
import { makeOlder, temporaryOf, wasBefore } from './kept.ts'
import type { Step } from './steps.ts'
import type { Tree } from './tree.ts'

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
  /** An earlier call may have done any of the steps, or a half of one. */
  readonly isResumed: boolean
  /** So many of the first steps are done. */
  readonly doneSteps: number
  readonly onStep?: (done: number, all: number) => void
  /** So many steps are done and on disk. */
  readonly onSynced: (count: number) => void
}

export class Doing {
  /** Of the apply: a part of all names of ours. */
  readonly id: string
  readonly step: Step
  readonly layer: Tree
  readonly host: Tree
  /** Where new content is made, and then lies what was there before. */
  readonly temporary: string
  readonly isResumed: boolean
  readonly #top: string
  readonly #isForced: boolean

  constructor({ id, sides, isForced, isResumed }: Execution, step: Step, number: number) {
    const side = sides[step.folder]
    if (side === undefined)
      throw new RuntimeError('layer-damaged', { what: 'the journal names a folder that the layer has not' })
    this.id = id
    this.step = step
    this.layer = side.layer
    this.host = side.host
    this.#top = side.top
    this.temporary = temporaryOf(id, step, number)
    this.#isForced = isForced
    this.isResumed = isResumed
  }

  /** What the layer has there. */
  wanted(): Facts {
    const now = this.layer.facts(this.step.path)
    if (now === undefined)
      throw new RuntimeError('layer-damaged', { what: `${printable(this.step.path)} is gone from the layer` })
    return now
  }

  /** What the host should have there, for whom it has `current`. */
  expected(current: Facts | undefined): Facts | undefined {
    if (this.#isForced) return current
    return this.step.expected === null ? undefined : factsOfRow(this.step.expected)
  }

  /** Had the host something there that it has to have still? */
  get hasToBeThere(): boolean {
    return this.step.expected !== null && !this.#isForced
  }

  /** After an interruption what was there before has our name. Nothing else is taken for it. */
  checkKept(): void {
    const left = readFacts(this.host.at(this.temporary))
    if (left === undefined) return
    const expected = this.expected(left)
    if (expected !== undefined && !wasBefore(this.step, left)) throw this.conflict()
  }

  /** What an interruption left under our name goes, but not what was there before: its place has been changed since. */
  clear(): void {
    if (!this.isResumed) return
    const at = this.host.at(this.temporary)
    const left = readFacts(at)
    if (left === undefined) return
    const isBefore = wasBefore(this.step, left)
    if (isBefore && !this.#isForced) throw this.conflict()
    if (isBefore) makeOlder(this.host, this.temporary)
    else unlinkSync(at)
  }

  conflict(): RuntimeError {
    return new RuntimeError('apply-conflict', {
      what: `the host changed ${this.#place} while the layer was being applied`,
      fix: 'usnea apply it again: that goes on where it ended, with --force over what the host changed',
    })
  }

  explain(error: unknown): unknown {
    const errno = errnoOf(error)
    if (error instanceof RuntimeError || errno === undefined) return error
    const what = `cannot apply ${this.#place} (${this.step.do})`
    return new RuntimeError('apply-failed', { what, errno, cause: error })
  }

  get #place(): string {
    return printable(join(this.#top, this.step.path))
  }
}
