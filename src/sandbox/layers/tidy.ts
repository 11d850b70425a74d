/** Takes out of a layer what was applied, so that its folder shows the host's files again. May be repeated. */
import { chmodSync, rmdirSync, unlinkSync } from 'node:fs'
import { errnoOf } from '../../base/errors.ts'
import type { Bases } from './bases.ts'
import { type Facts, isAbsence, isSameBytes } from './facts.ts'
import type { Journal } from './journal.ts'
import type { Layer } from './layer.ts'
import { type Marks, marksOf } from './marks.ts'
import * as record from './record.ts'
import type { Tree } from './tree.ts'

export function tidy(layer: Layer, journal: Journal): void {
  for (const index of layer.record.folders.keys()) {
    if (journal.isWhole) {
      layer.clear(index)
      continue
    }
    const of = (list: Journal['settled']) => list.flatMap(([folder, path]) => (folder === index ? [path] : []))
    tidyFolder(layer, index, { settled: of(journal.settled), opened: of(journal.opened), linked: of(journal.linked) })
  }
}

interface Tidied {
  readonly settled: readonly string[]
  readonly opened: readonly string[]
  readonly linked: readonly string[]
}

function tidyFolder(layer: Layer, index: number, { settled, opened, linked }: Tidied): void {
  const bases = record.readBases(layer.directory, index)
  const [content, host] = layer.openTrees(index)
  try {
    const { backend } = layer.record
    if (backend === 'copy') tidyCopy(layer, index, { content, host, settled })
    else {
      const marks = marksOf(backend)
      for (const path of settled.toSorted().reverse()) takeOut(content, path, marks)
      for (const path of opened) if (content.facts(path)?.kind === 'directory') marks.open(content, path)
    }
    for (const path of settled) bases.delete(path)
    for (const path of opened) unhide(bases, path)
    for (const path of linked) renew(bases, path, host.facts(path))
  } finally {
    content[Symbol.dispose]()
    host[Symbol.dispose]()
  }
  record.writeBases(layer.directory, index, bases)
}

/** A directory stays while something is in it: then it is the same on both sides. */
function takeOut(content: Tree, path: string, marks: Marks): void {
  if (path === '') return
  try {
    const facts = content.facts(path)
    if (facts?.kind !== 'directory') {
      unlinkSync(content.at(facts === undefined ? (marks.whiteoutOf(content, path) ?? path) : path))
      return
    }
    chmodSync(content.at(path), 0o700)
    const { names, removed } = marks.entries(content, path)
    const isEmpty = names.length + removed.length === 0
    if (isEmpty) marks.open(content, path)
    chmodSync(content.at(path), facts.mode)
    if (!isEmpty) return
    content.forget()
    rmdirSync(content.at(path))
  } catch (error) {
    if (!isAbsence(error) && errnoOf(error) !== 'ENOTEMPTY') throw error
  } finally {
    if (content.facts(path) === undefined) content.forget()
  }
}

function unhide(bases: Bases, path: string): void {
  const base = bases.get(path)
  if (base !== undefined) bases.set(path, { facts: base.facts, ...(base.unsure ? { unsure: base.unsure } : {}) })
}

/** Its other name got a new file by us, which changed the number of links and so ctime. */
function renew(bases: Bases, path: string, host: Facts | undefined): void {
  const base = bases.get(path)?.facts
  if (base !== undefined && host !== undefined && isSameBytes(base, host)) bases.set(path, { facts: host })
}

/** The copy stays as it is; only what it began from is now what it is. */
function tidyCopy(layer: Layer, index: number, sides: { content: Tree; host: Tree; settled: readonly string[] }): void {
  const { content, host, settled } = sides
  for (const [which, tree] of [
    ['began', content],
    ['seen', host],
  ] as const) {
    const listing = record.readListing(layer.directory, index, which) ?? new Map<string, Facts>()
    for (const path of settled) {
      const facts = tree.facts(path)
      if (facts === undefined) listing.delete(path)
      else listing.set(path, facts)
    }
    record.writeListing(layer.directory, index, { which, facts: listing })
  }
}
