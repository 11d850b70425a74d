/** `usnea diff`: what a layer would change on the host. */
import { type Change, type Item, publicChanges } from './changes.ts'
import { readSmall } from './content.ts'
import type { Layer } from './layer.ts'
import { compareText } from './text-diff.ts'
import type { Tree } from './tree.ts'

export interface Differing extends Change {
  /** A unified diff of two texts, as the files have it: whoever prints it makes it harmless. */
  readonly text?: string
}

export interface DiffOptions {
  /** Compare the texts as well. Default false. */
  readonly text?: boolean
}

/** What is larger is told by its size alone. */
const LARGEST = 1 << 20

/** @throws RuntimeError `layer-busy`, `layer-damaged`, `layer-folder` */
export function diffLayer(layer: Layer, { text = false }: DiffOptions = {}): Differing[] {
  const lock = layer.lock()
  try {
    const { items } = layer.survey()
    if (!text) return publicChanges(items)
    return withTexts(layer, items)
  } finally {
    lock[Symbol.dispose]()
  }
}

function withTexts(layer: Layer, items: readonly Item[]): Differing[] {
  const known = new Map(items.map((item) => [item.change.path, item]))
  const opened = new Map<number, readonly [layer: Tree, host: Tree]>()
  const treesOf = (folder: number) => {
    const trees = opened.get(folder) ?? layer.openTrees(folder)
    opened.set(folder, trees)
    return trees
  }
  try {
    return publicChanges(items).map((change) => withText(treesOf, known.get(change.path), change))
  } finally {
    for (const tree of [...opened.values()].flat()) tree[Symbol.dispose]()
  }
}

function withText(
  treesOf: (folder: number) => readonly [layer: Tree, host: Tree],
  item: Item | undefined,
  change: Change,
): Differing {
  const hasContent = change.differs.includes('content') || change.change === 'added' || change.change === 'removed'
  if (item === undefined || !hasContent) return change
  const [content, host] = treesOf(item.folder)
  const before = change.before?.kind === 'file' && change.change !== 'added' ? textAt(host, item.path) : ''
  const after = change.after?.kind === 'file' ? textAt(content, item.path) : ''
  if (before === undefined || after === undefined) return change
  const text = compareText(before, after)
  return text === undefined || text === '' ? change : { ...change, text }
}

/** Undefined for what is no text. */
function textAt(tree: Tree, path: string): string | undefined {
  const bytes = readSmall(tree, path, LARGEST)
  if (bytes === undefined || bytes.includes(0)) return undefined
  const text = bytes.toString()
  return text.includes('\u{fffd}') ? undefined : text
}
