/**
 * Files and links: made beside their place, put there by one rename, and what was there before is looked at once more when
 * it is out of the way, and put back when it is not what it was expected to be.
 */
import { linkSync, renameSync, unlinkSync } from 'node:fs'
import { errnoOf } from '../../base/errors.ts'
import { exchange, renameNew } from '../../kernel/trees.ts'
import { hasSameContent } from './content.ts'
import { copyFile, copyLink } from './copy-file.ts'
import type { Doing } from './doing.ts'
import { type Facts, hasSameTime, isSameBytes, readFacts } from './facts.ts'
import { olderOf } from './kept.ts'

/** Makes the content of a file. False when it is there already. */
export function stageFile(doing: Doing, isAlone: boolean): boolean {
  const { layer, host, step, temporary } = doing
  const now = doing.wanted()
  if (doing.isResumed && isDone(now, host.facts(step.path)) && hasSameContent(layer, host, step.path)) {
    doing.checkKept()
    return false
  }
  doing.clear()
  copyFile(layer, step.path, host.at(temporary), { facts: now, mode: now.mode, isSynced: isAlone })
  return true
}

export function placeLink(doing: Doing): void {
  const { layer, host, step } = doing
  const current = host.facts(step.path)
  const source = step.to === undefined ? undefined : host.facts(step.to)
  const isThere =
    step.do === 'symlink'
      ? current?.kind === 'symlink' && host.link(step.path) === layer.link(step.path)
      : current !== undefined && current.ino === source?.ino
  if (isThere) {
    doing.checkKept()
    return
  }
  doing.clear()
  const temporary = host.at(doing.temporary)
  if (step.do === 'symlink') copyLink(layer, step.path, temporary)
  else linkSync(host.at(step.to ?? ''), temporary)
  place(doing)
}

/** Puts there what was made. */
export function place(doing: Doing): void {
  const { host, step } = doing
  const temporary = host.at(doing.temporary)
  const target = host.at(step.path)
  const current = host.facts(step.path)
  const expected = doing.expected(current)
  if (current === undefined) {
    putNew(doing, temporary, target)
    return
  }
  if (expected === undefined || !isSameBytes(current, expected)) {
    unlinkSync(temporary)
    throw doing.conflict()
  }
  if (!tryExchange(temporary, target)) {
    keepName(target, host.at(olderOf(doing.temporary)))
    renameSync(temporary, target)
    return
  }
  const displaced = readFacts(temporary)
  if (displaced === undefined || !isSameBytes(displaced, expected)) {
    exchange(temporary, target)
    unlinkSync(temporary)
    throw doing.conflict()
  }
}

/** The host removed it since, or never had it. */
function putNew(doing: Doing, temporary: Buffer, target: Buffer): void {
  try {
    if (doing.hasToBeThere) throw doing.conflict()
    renameNew(temporary, target)
  } catch (error) {
    unlinkSync(temporary)
    throw errnoOf(error) === 'EEXIST' ? doing.conflict() : error
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
