/** `usnea apply --roll-back`: an apply that was interrupted is undone, step by step from its end. */
import { join } from 'node:path'
import { RuntimeError } from '../../base/errors.ts'
import { syncFileSystem, using } from '../../kernel/trees.ts'
import { type Progress, withSides } from './apply.ts'
import type { Bases } from './bases.ts'
import { type Facts, hasSameOwner, isSameBytes } from './facts.ts'
import { type Journal, markBack, readJournal, removeJournal } from './journal.ts'
import type { Layer } from './layer.ts'
import * as record from './record.ts'
import type { ApplyOptions } from './select.ts'
import { undoSteps } from './undo.ts'

export interface RollBackResult {
  /** Absolute paths that are again as they were before the apply. */
  readonly restored: readonly string[]
  /** Where the host was changed since, and that was kept. */
  readonly left: readonly string[]
}

/**
 * The layer is as before the apply then. An interruption is gone on from by the next call; there is no way forward then.
 * @throws RuntimeError `layer-busy`, `apply-nothing`, `apply-conflict`, `apply-failed`
 */
export function rollBackLayer(
  layer: Layer,
  { conflicts }: Pick<ApplyOptions, 'conflicts'> = {},
  progress: Progress = {},
): RollBackResult {
  const lock = layer.lock()
  try {
    const pending = readJournal(layer.journal)
    if (pending === undefined || pending.isDone)
      throw new RuntimeError('apply-nothing', {
        what:
          pending === undefined
            ? `no apply of the layer ${layer.name} was interrupted`
            : `the layer ${layer.name} is applied already, and only to be tidied`,
        fix:
          pending === undefined ? 'usnea diff shows what the layer changes' : 'usnea apply it again, which does that',
      })
    const { journal } = pending
    if (!pending.isBack) markBack(layer.journal)
    const left = withSides(layer, (sides) => {
      const paths = undoSteps(journal, { sides, conflicts, ...progress })
      for (const { host } of sides) using(host.openTop(), syncFileSystem)
      return paths
    })
    for (const index of layer.record.folders.keys()) renew(layer, index, journal)
    removeJournal(layer.journal)
    const kept = new Set(left)
    const all = journal.steps.map(({ folder, path }) => join(layer.record.folders[folder] ?? '', path))
    return { restored: [...new Set(all)].filter((path) => !kept.has(path)).sort(), left }
  } finally {
    lock[Symbol.dispose]()
  }
}

/** What was moved away and back has a new ctime by us. */
function renew(layer: Layer, index: number, { steps, linked }: Journal): void {
  const paths = [
    ...steps.filter(({ folder }) => folder === index).map(({ path }) => path),
    ...linked.flatMap(([folder, path]) => (folder === index ? [path] : [])),
  ]
  using host = layer.openHost(index)
  const isRenewed = (before: Facts, now: Facts | undefined): now is Facts =>
    now !== undefined && isSameBytes(before, now) && before.mode === now.mode && hasSameOwner(before, now)
  if (layer.record.backend === 'copy') {
    const seen = record.readListing(layer.directory, index, 'seen')
    if (seen === undefined) return
    for (const path of paths) {
      const [before, now] = [seen.get(path), host.facts(path)]
      if (before !== undefined && isRenewed(before, now)) seen.set(path, now)
    }
    record.writeListing(layer.directory, index, { which: 'seen', facts: seen })
  }
  const bases: Bases = record.readBases(layer.directory, index)
  for (const path of paths) {
    const [base, now] = [bases.get(path), host.facts(path)]
    if (base?.facts !== undefined && isRenewed(base.facts, now)) bases.set(path, { ...base, facts: now })
  }
  record.writeBases(layer.directory, index, bases)
}
