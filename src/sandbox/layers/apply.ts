/** `usnea apply`: what a layer holds is brought to the host, as a whole or by paths. */
import { accessSync, chmodSync, constants } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { printable } from '../../base/log.ts'
import { randomSuffix } from '../../base/suffix.ts'
import { nameIn, O_PATH, pathOf, using as withDescriptor } from '../../kernel/trees.ts'
import { type Change, type Item, publicChanges } from './changes.ts'
import { ownXattrs } from './content.ts'
import type { Execution, Sides } from './doing.ts'
import { executeSteps, isClosed } from './execute.ts'
import { isAbsence, isSame } from './facts.ts'
import { type Journal, markDone, markSteps, readJournal, removeJournal, writeJournal } from './journal.ts'
import { removeKept } from './kept.ts'
import type { Layer, Survey } from './layer.ts'
import * as record from './record.ts'
import { type ApplyOptions, type Selection, select } from './select.ts'
import { planSteps, type Step } from './steps.ts'
import { tidy } from './tidy.ts'
import { splitPath } from './tree.ts'

export interface ApplyResult {
  /** Absolute paths that are now as the command left them. */
  readonly applied: readonly string[]
  /** Paths where the host's file was kept. */
  readonly dropped: readonly string[]
  /** What is still in the layer. */
  readonly kept: readonly Change[]
  /** Was this the rest of an apply that was interrupted? */
  readonly isResumed: boolean
  /** Is the layer gone? A layer without a name of its own goes when nothing is left in it. */
  readonly isRemoved: boolean
}

/** How far an apply is, or one that is rolled back. */
export interface ApplyEvent {
  /** ISO 8601, UTC. */
  readonly time: string
  readonly way: 'forward' | 'back'
  /** Of `all` steps: files, links, directories, and modes. After an interruption those count that were done before. */
  readonly done: number
  readonly all: number
}

export interface Progress {
  readonly onStep?: (done: number, all: number) => void
}

/**
 * All or nothing until the first step; from then on an interruption is gone on from by the next call.
 * @throws RuntimeError `layer-busy`, `apply-…`
 */
export function applyLayer(layer: Layer, options: ApplyOptions, progress: Progress = {}): ApplyResult {
  const lock = layer.lock()
  try {
    const pending = readJournal(layer.journal)
    if (pending !== undefined) {
      const { journal, isDone, isBack, doneSteps } = pending
      if (isBack) throw halfBack(layer)
      if (!isDone)
        execute(layer, journal, { isForced: options.conflicts === 'force', isResumed: true, doneSteps, ...progress })
      return finish(layer, journal, { dropped: [], kept: [], isResumed: true })
    }
    const survey = layer.survey()
    const selection = select(survey.items, options)
    const { chosen, theirs, kept } = selection
    if (chosen.length + theirs.length === 0)
      return { applied: [], dropped: [], kept: publicChanges(kept), isResumed: false, isRemoved: false }
    const journal = planJournal(layer, survey, selection)
    assertWritable(layer, journal.steps)
    writeJournal(layer.journal, journal)
    execute(layer, journal, { isForced: false, isResumed: false, doneSteps: 0, ...progress })
    const dropped = theirs.map(({ change }) => change.path)
    return finish(layer, journal, { dropped, kept: publicChanges(kept), isResumed: false })
  } finally {
    lock[Symbol.dispose]()
  }
}

function planJournal(layer: Layer, { items, touched }: Survey, { chosen, theirs, kept }: Selection): Journal {
  const at = ({ folder, path }: Item) => [folder, path] as const
  const stay = new Set(
    kept.filter(({ change }) => change.change === 'removed').map(({ folder, path }) => `${folder}:${path}`),
  )
  const opened = touched.flatMap((list, folder) =>
    list
      .filter(({ path, isOpaque }) => isOpaque && ![...stay].some((key) => key.startsWith(`${folder}:${path}/`)))
      .map(({ path }) => [folder, path] as const),
  )
  return {
    id: randomSuffix(),
    steps: withAttributes(layer, planSteps(chosen, touched)),
    settled: [...chosen, ...theirs].map(at),
    opened,
    linked: withOtherNames(layer, kept).map(at),
    closed: chosen.flatMap(({ folder, path, touched: { now } }) =>
      now?.kind === 'directory' && isClosed(now.mode) ? [[folder, path, now.mode] as const] : [],
    ),
    isWhole: chosen.length + theirs.length === items.length,
  }
}

/** For a way back: all else that a file had before is kept with the file. */
function withAttributes(layer: Layer, steps: readonly Step[]): Step[] {
  const isDressed = (step: Step) => step.do === 'meta' && step.expected !== null
  if (!steps.some(isDressed)) return [...steps]
  return withSides(layer, (sides) =>
    steps.map((step) => {
      const host = isDressed(step) ? sides[step.folder]?.host : undefined
      if (host === undefined) return step
      const xattrs = [...ownXattrs(host, step.path)].map(([name, value]) => [name, value.toString('base64')] as const)
      return { ...step, xattrs }
    }),
  )
}

function withOtherNames(layer: Layer, kept: readonly Item[]): Item[] {
  const several = kept.filter(({ touched: { host } }) => host?.kind === 'file' && host.links > 1)
  if (several.length === 0) return []
  const bases = layer.record.folders.map((_, index) => record.readBases(layer.directory, index))
  return several.filter(({ folder, path, touched: { host } }) => {
    const base = bases[folder]?.get(path)?.facts
    return base !== undefined && host !== undefined && isSame(base, host)
  })
}

/** So that a directory that is closed to us is told before anything is done. @throws RuntimeError `apply-failed` */
function assertWritable(layer: Layer, steps: readonly Step[]): void {
  withSides(layer, (sides) => {
    const looked = new Set<string>()
    for (const { do: verb, folder, path } of steps) {
      const [directory] = splitPath(path)
      const key = `${folder}:${directory}`
      const { host, top } = sides[folder] ?? {}
      if (verb === 'meta' || looked.has(key) || host === undefined) continue
      looked.add(key)
      try {
        accessSync(nameIn(host.directory(directory), '.'), constants.W_OK | constants.X_OK)
      } catch (error) {
        if (isAbsence(error)) continue // made by an earlier step
        const errno = errnoOf(error)
        throw new RuntimeError('apply-failed', {
          what: `the directory ${printable(join(top ?? '', directory))} cannot be written to; nothing was applied`,
          ...(errno === undefined ? {} : { errno }),
          fix: 'make it writable, or name the other paths only',
          cause: error,
        })
      }
    }
  })
}

export function withSides<T>(layer: Layer, use: (sides: readonly Sides[]) => T): T {
  const sides: Sides[] = []
  try {
    for (const [index, top] of layer.record.folders.entries()) {
      const [content, host] = layer.openTrees(index)
      sides.push({ top, layer: content, host })
    }
    return use(sides)
  } finally {
    for (const { layer: content, host } of sides) {
      content[Symbol.dispose]()
      host[Symbol.dispose]()
    }
  }
}

type Way = Pick<Execution, 'isForced' | 'isResumed' | 'doneSteps'> & Progress

function execute(layer: Layer, journal: Journal, options: Way): void {
  const onSynced = (count: number) => markSteps(layer.journal, count)
  withSides(layer, (sides) => executeSteps(journal.steps, { id: journal.id, sides, onSynced, ...options }))
  markDone(layer.journal)
}

const halfBack = (layer: Layer): RuntimeError =>
  new RuntimeError('layer-half-applied', {
    what: `the layer ${layer.name} is half rolled back`,
    why: 'an earlier roll back was interrupted',
    fix: 'usnea apply --roll-back goes on where it ended',
  })

function finish(
  layer: Layer,
  journal: Journal,
  { dropped, kept, isResumed }: { dropped: string[]; kept: Change[]; isResumed: boolean },
): ApplyResult {
  forgetKept(layer, journal)
  closeDirectories(layer, journal)
  tidy(layer, journal)
  removeJournal(layer.journal)
  const isRemoved = journal.isWhole && !layer.record.isNamed
  if (isRemoved) layer.remove()
  const gone = new Set(dropped)
  const all = journal.settled.map(([folder, path]) => join(layer.record.folders[folder] ?? '', path))
  return { applied: all.filter((path) => !gone.has(path)), dropped, kept, isResumed, isRemoved }
}

/** Removes a layer. @throws RuntimeError `layer-busy`, and `layer-half-applied` unless that is wanted */
export function discardLayer(layer: Layer, isForced = false): void {
  const lock = layer.lock()
  try {
    const pending = readJournal(layer.journal)
    if (pending !== undefined && !isForced)
      throw new RuntimeError('layer-half-applied', {
        what: `the layer ${layer.name} is half applied`,
        fix: 'usnea apply it again: that goes on where it ended; usnea apply --roll-back undoes it; usnea discard --force gives up what was not applied yet',
      })
    if (pending !== undefined) forgetKept(layer, pending.journal)
    layer.remove()
  } finally {
    lock[Symbol.dispose]()
  }
}

/**
 * Of our own files beside those of the host nothing is to stay. The layer is not looked at: an apply that ended while it
 * tidied up has taken it apart.
 */
function forgetKept(layer: Layer, journal: Journal): void {
  for (const folder of layer.record.folders.keys()) {
    using host = layer.openHost(folder)
    removeKept(journal, folder, host)
  }
}

/** Not before: what was kept lies in them. */
function closeDirectories(layer: Layer, { closed }: Journal): void {
  for (const folder of layer.record.folders.keys()) {
    const own = closed.filter(([index]) => index === folder).sort(([, a], [, b]) => (a < b ? 1 : -1))
    if (own.length === 0) continue
    using host = layer.openHost(folder)
    for (const [, path, mode] of own)
      try {
        withDescriptor(host.open(path, O_PATH | constants.O_DIRECTORY), (fd) => chmodSync(pathOf(fd), mode))
      } catch (error) {
        // gone since, or within one that was closed before an interruption
        if (!isAbsence(error) && errnoOf(error) !== 'EACCES') throw error
      }
  }
}
