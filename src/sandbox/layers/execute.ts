/**
 * Does the steps of an apply. New content is brought to disk before any of it is put in place, see placing.ts. So a file is
 * the old one or the new one at any time, and every step may be repeated. What was there before is kept until all is done,
 * see kept.ts.
 */
import { chmodSync, mkdirSync, rmdirSync } from 'node:fs'
import { errnoOf } from '../../base/errors.ts'
import { O_PATH, pathOf, removeXattr, renameNew, syncFileSystem, using } from '../../kernel/trees.ts'
import { ownXattrs } from './content.ts'
import { copyXattrs, giveOwner } from './copy-file.ts'
import { Doing, type Execution } from './doing.ts'
import { type Facts, factsOfRow, hasSameOwner, isSameBytes, readFacts } from './facts.ts'
import { moveDirectory } from './kept.ts'
import { place, placeLink, stageFile } from './placing.ts'
import type { Step } from './steps.ts'

/** Files that are made before the first of them is put in place: one wait for the disk is enough for them. */
const BATCH = 2048
/** From so many on the whole file system is brought to disk instead of each file. */
const MANY = 8

const OWNERS = 0o700

/** Is the owner, us, kept out of such a directory? */
export const isClosed = (mode: number): boolean => (mode & OWNERS) !== OWNERS

export function executeSteps(steps: readonly Step[], execution: Execution): void {
  const { doneSteps, onStep } = execution
  for (let at = doneSteps; at < steps.length; ) {
    const count = stagedFrom(steps, at)
    const batch = steps.slice(at, at + count)
    if (batch[0]?.do === 'file') doFiles(batch, at, execution)
    else for (const [index, step] of batch.entries()) explaining(new Doing(execution, step, at + index), doOne)
    at += count
    onStep?.(at, steps.length)
  }
  sync(execution)
}

function stagedFrom(steps: readonly Step[], at: number): number {
  let count = 0
  while (count < BATCH && steps[at + count]?.do === 'file') count++
  return Math.max(1, count)
}

function doFiles(steps: readonly Step[], first: number, execution: Execution): void {
  const isMany = steps.length >= MANY
  const doings = steps.map((step, index) => new Doing(execution, step, first + index))
  const staged = doings.filter((doing) => explaining(doing, () => stageFile(doing, !isMany)))
  if (isMany) {
    sync(execution)
    execution.onSynced(first)
  }
  for (const doing of staged) explaining(doing, place)
}

function sync({ sides }: Execution): void {
  for (const { host } of sides) using(host.openTop(), syncFileSystem)
}

function explaining<T>(doing: Doing, act: (doing: Doing) => T): T {
  try {
    return act(doing)
  } catch (error) {
    throw doing.explain(error)
  }
}

function doOne(doing: Doing): void {
  const { do: verb } = doing.step
  if (verb === 'mkdir') makeDirectory(doing)
  else if (verb === 'meta') dress(doing)
  else if (verb === 'remove') remove(doing)
  else placeLink(doing)
}

function makeDirectory(doing: Doing): void {
  const { host, step } = doing
  try {
    mkdirSync(host.at(step.path), { mode: 0o700 })
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
    if (host.facts(step.path)?.kind !== 'directory') throw doing.conflict()
  }
}

function dress(doing: Doing): void {
  const { layer, host, step } = doing
  const [now, current] = [doing.wanted(), host.facts(step.path)]
  if (current === undefined || current.kind !== now.kind) throw doing.conflict()
  const expected = doing.expected(current)
  if (now.kind === 'file' && (expected === undefined || !isSameBytes(expected, current))) throw doing.conflict()
  const target = host.at(step.path)
  const wanted = ownXattrs(layer, step.path)
  for (const name of ownXattrs(host, step.path).keys()) if (!wanted.has(name)) removeXattr(target, name)
  copyXattrs(layer, step.path, target)
  if (!hasSameOwner(now, current)) giveOwner(target, now)
  // A file or directory, as was just seen: chmod would follow a link.
  const isLast = now.kind === 'directory' && isClosed(now.mode)
  using(host.open(step.path, O_PATH), (fd) => chmodSync(pathOf(fd), isLast ? now.mode | OWNERS : now.mode))
}

function remove(doing: Doing): void {
  const { host, step } = doing
  const current = host.facts(step.path)
  if (current === undefined || isReplaced(doing, current)) return
  const expected = doing.expected(current)
  doing.clear()
  if (current.kind === 'directory') {
    removeDirectory(doing, current)
    return
  }
  if (expected === undefined || !isSameBytes(expected, current)) throw doing.conflict()
  const temporary = host.at(doing.temporary)
  renameNew(host.at(step.path), temporary)
  const taken = readFacts(temporary)
  if (taken !== undefined && !isSameBytes(taken, expected)) {
    renameNew(temporary, host.at(step.path))
    throw doing.conflict()
  }
}

/** Done again after an interruption: what makes way is gone, and the new one stands there already. */
function isReplaced({ layer, step }: Doing, current: Facts): boolean {
  const now = layer.facts(step.path)
  const before = step.expected === null ? undefined : factsOfRow(step.expected)
  return now !== undefined && before !== undefined && now.kind !== before.kind && now.kind === current.kind
}

function removeDirectory(doing: Doing, current: Facts): void {
  const { host, step, temporary } = doing
  if (doing.expected(current)?.ino !== current.ino) throw doing.conflict()
  try {
    if (!moveDirectory(host, { from: step.path, to: temporary, id: doing.id })) throw doing.conflict()
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error
    // closed to us, which forbids to look into it, and not to remove it
    host.forget()
    rmdirSync(host.at(step.path))
  }
}
