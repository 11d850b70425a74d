/**
 * What an apply makes or replaces lies beside its place, under names of ours, until all of it is done: new content before
 * it is put in place, and then the host's file that was there, which a roll back puts back.
 */
import { renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { errnoOf } from '../../base/errors.ts'
import { renameNew } from '../../kernel/trees.ts'
import { type Facts, factsOfRow, isAbsence, isSameBytes } from './facts.ts'
import type { Journal } from './journal.ts'
import type { Step } from './steps.ts'
import { joined, splitPath, type Tree } from './tree.ts'

const prefixOf = (id: string): string => `.usnea-${id}-`

export const temporaryOf = (id: string, { path }: Step, number: number): string =>
  joined(splitPath(path)[0], `${prefixOf(id)}${number}`)

/** For what was there before, where the first name is taken. */
export const olderOf = (temporary: string): string => `${temporary}.old`

/** Is this what the host had in that place? Times of directories change by what is moved in them. */
export function wasBefore({ expected }: Step, facts: Facts): boolean {
  if (expected === null) return false
  const before = factsOfRow(expected)
  if (before.kind !== 'directory') return isSameBytes(before, facts)
  return facts.kind === 'directory' && facts.ino === before.ino
}

/** Is nothing in a directory but what lies there under names of ours? */
export const holdsOnlyOurs = (host: Tree, directory: string, id: string): boolean =>
  host.names(directory).every((name) => name.startsWith(prefixOf(id)))

/** A directory with what is kept in it. False, and it stays where it is, when somebody put something else there. */
export function moveDirectory(host: Tree, { from, to, id }: { from: string; to: string; id: string }): boolean {
  if (!holdsOnlyOurs(host, from, id)) return false
  host.forget()
  renameNew(host.at(from), host.at(to))
  host.forget()
  if (holdsOnlyOurs(host, to, id)) return true
  renameNew(host.at(to), host.at(from))
  host.forget()
  return false
}

/** When all is done, or given up. What somebody else put into a directory that was removed gets its directory back. */
export function removeKept({ id, steps }: Journal, folder: number, host: Tree): void {
  for (const [number, step] of steps.entries()) {
    if (step.folder !== folder || step.do === 'mkdir' || step.do === 'meta') continue
    const temporary = temporaryOf(id, step, number)
    for (const name of [temporary, olderOf(temporary)]) {
      const facts = factsOrNone(host, name)
      if (facts === undefined) continue
      if (facts.kind !== 'directory') unlinkSync(host.at(name))
      else if (!removeDirectory(host, name, id)) putBack(host, name, step.path)
    }
  }
  host.forget()
}

/** Its directory may have gone as well, or be closed: then an interruption came when nothing of ours was in it any more. */
function factsOrNone(host: Tree, path: string): Facts | undefined {
  try {
    return host.facts(path)
  } catch (error) {
    if (isAbsence(error) || errnoOf(error) === 'EACCES') return undefined
    throw error
  }
}

function removeDirectory(host: Tree, directory: string, id: string): boolean {
  let isWhole = true
  for (const name of host.names(directory)) {
    const path = joined(directory, name)
    if (!name.startsWith(prefixOf(id))) isWhole = false
    else if (host.facts(path)?.kind === 'directory') isWhole = removeDirectory(host, path, id) && isWhole
    else unlinkSync(host.at(path))
  }
  host.forget()
  if (!isWhole) return false
  try {
    rmdirSync(host.at(directory))
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOTEMPTY') return false
    throw error
  }
}

/** Unless something new has its name. */
function putBack(host: Tree, from: string, to: string): void {
  try {
    renameNew(host.at(from), host.at(to))
  } catch (error) {
    if (!isAbsence(error) && errnoOf(error) !== 'EEXIST') throw error
  }
}

/** Frees the first name of what is kept there. */
export function makeOlder(host: Tree, temporary: string): void {
  if (host.facts(olderOf(temporary)) === undefined) renameSync(host.at(temporary), host.at(olderOf(temporary)))
  else unlinkSync(host.at(temporary))
}
