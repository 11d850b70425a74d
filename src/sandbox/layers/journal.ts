/** What an apply is about to do, on disk before it does anything: after an interruption it goes on from there. */
import { appendFileSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { writeAll } from '../../base/files.ts'
import type { Step } from './steps.ts'

export interface Journal {
  /** Part of the names of the temporary files. */
  readonly id: string
  readonly steps: readonly Step[]
  /** What the layer no longer holds afterwards: folder and path. */
  readonly settled: readonly (readonly [folder: number, path: string])[]
  /** Directories of which nothing of the host is hidden any more. */
  readonly opened: readonly (readonly [folder: number, path: string])[]
  /** Other names of files that get a new one: their ctime changes by us. */
  readonly linked: readonly (readonly [folder: number, path: string])[]
  /** Directories that their owner cannot use afterwards, and their mode: they are closed last, the deepest first. */
  readonly closed: readonly (readonly [folder: number, path: string, mode: number])[]
  /** Is nothing left in the layer then? */
  readonly isWhole: boolean
}

/** Said in lines below the journal, each of them whole or not there. */
const DONE = '"done"'
const BACK = '"back"'

export interface Pending {
  readonly journal: Journal
  /** So many of the first steps are done, and on disk. */
  readonly doneSteps: number
  /** All steps are done and on disk: only the layer is still to be tidied. */
  readonly isDone: boolean
  /** A roll back has begun, so there is no way forward any more. */
  readonly isBack: boolean
}

export function writeJournal(path: string, journal: Journal): void {
  const temporary = `${path}.new`
  rmSync(temporary, { force: true })
  writeDurably(temporary, 'wx', `${JSON.stringify(journal)}\n`)
  renameSync(temporary, path)
  syncDirectory(dirname(path))
}

/** So many steps are done and on disk: after an interruption they are not looked at again. */
export function markSteps(path: string, count: number): void {
  appendFileSync(path, `${count}\n`)
}

/** All steps are done and on disk; only the layer is still to be tidied. */
export function markDone(path: string): void {
  writeDurably(path, 'a', `${DONE}\n`)
}

export function markBack(path: string): void {
  writeDurably(path, 'a', `${BACK}\n`)
}

export function removeJournal(path: string): void {
  rmSync(path, { force: true })
  syncDirectory(dirname(path))
}

/** Undefined when no apply was interrupted. @throws RuntimeError `layer-damaged` */
export function readJournal(path: string): Pending | undefined {
  try {
    // what stands behind the last end of a line is not whole
    const [first = '', ...marks] = readFileSync(path, 'utf8').split('\n').slice(0, -1)
    return {
      journal: JSON.parse(first) as Journal,
      doneSteps: Math.max(0, ...marks.filter((mark) => /^\d+$/.test(mark)).map(Number)),
      isDone: marks.includes(DONE),
      isBack: marks.includes(BACK),
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw new RuntimeError('layer-damaged', {
      what: `the journal ${path} of an interrupted apply cannot be read`,
      cause: error,
    })
  }
}

function writeDurably(path: string, flag: string, text: string): void {
  const fd = openSync(path, flag, 0o600)
  try {
    writeAll(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function syncDirectory(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
