/**
 * Settings from several places, merged key by key: what is said later wins, and each value remembers who said it.
 * Tables are merged, lists and all other values are replaced.
 */
import { RuntimeError } from '../base/errors.ts'
import { type Path, positionKey } from './positions.ts'
import { checkShape, dotted, isTable, type Problem, type Shape, type Table, type ValueOf } from './shape.ts'
import { printPlace, type TomlDocument } from './toml.ts'

export type Source = 'default' | 'system' | 'user' | 'environment' | 'option'

export interface Layer {
  readonly source: Source
  readonly values: Table
  /** Where a value was said, for people: `FILE:LINE:COLUMN`, the name of a variable or of an option. */
  place(path: Path): string
}

export interface Origin {
  readonly source: Source
  readonly place: string
}

export interface Entry extends Origin {
  readonly path: readonly string[]
  readonly value: unknown
}

export class Settings<Values = Table> {
  readonly values: Values
  readonly #origins: ReadonlyMap<string, { readonly layer: Layer; readonly path: readonly string[] }>

  constructor(layers: readonly Layer[]) {
    const origins = new Map<string, { layer: Layer; path: readonly string[] }>()
    const values: Record<string, unknown> = {}
    for (const layer of layers) mergeInto(values, layer.values, { layer, path: [], origins })
    this.values = values as Values
    this.#origins = origins
  }

  /** Who said it. Of a table: who said the first of its keys. */
  origin(path: Path): Origin | undefined {
    const key = positionKey(path)
    const known = this.#origins.get(key) ?? [...this.#origins].find(([other]) => isBelow(other, key))?.[1]
    return known && { source: known.layer.source, place: known.layer.place(path) }
  }

  /** Every value that is no table, sorted by its key. */
  entries(): Entry[] {
    return [...this.#origins.values()]
      .map(({ layer, path }) => ({
        path,
        value: valueAt(this.values, path),
        source: layer.source,
        place: layer.place(path),
      }))
      .sort((a, b) => (dotted(a.path) < dotted(b.path) ? -1 : 1))
  }
}

interface Merging {
  readonly layer: Layer
  readonly path: readonly string[]
  readonly origins: Map<string, { layer: Layer; path: readonly string[] }>
}

function mergeInto(target: Record<string, unknown>, values: Table, { layer, path, origins }: Merging): void {
  for (const [key, value] of Object.entries(values)) {
    const here = [...path, key]
    const old = target[key]
    const isFilled = isTable(value) && Object.keys(value).length > 0
    // An empty table says nothing of what is in the one before it.
    if (isTable(value) && isTable(old) && !isFilled) continue
    origins.delete(positionKey(here))
    if (!isTable(value) || !isTable(old)) forgetBelow(origins, here)
    if (!isFilled) origins.set(positionKey(here), { layer, path: here })
    target[key] = isTable(value) ? { ...(isTable(old) ? old : {}) } : value
    if (isFilled) mergeInto(target[key] as Record<string, unknown>, value, { layer, path: here, origins })
  }
}

function forgetBelow(origins: Merging['origins'], path: Path): void {
  for (const key of [...origins.keys()]) if (isBelow(key, positionKey(path))) origins.delete(key)
}

/** Keys are JSON lists, so what lies below one begins with all of it but the bracket at its end. */
const isBelow = (key: string, above: string): boolean => key.startsWith(`${above.slice(0, -1)},`)

function valueAt(values: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((table, key) => (isTable(table) ? table[key] : undefined), values)
}

/** Throws config-file-invalid with every problem and its place. */
export function checkedLayer(layer: Layer, shape: Shape): Layer {
  const problems = checkShape(layer.values, shape)
  if (problems.length > 0) throw invalid(problems.map((problem) => tellProblem(layer, problem)))
  return layer
}

const tellProblem = (layer: Layer, { path, message }: Problem): string => `${layer.place(path)}: ${message}`

/** The error for findings that begin with the place where each was said. */
export function invalid(details: readonly string[]): RuntimeError {
  return new RuntimeError('config-file-invalid', { details })
}

/** The layer of a file. */
export function documentLayer(document: TomlDocument, source: Source): Layer {
  return { source, values: document.values, place: (path) => printPlace(document.name, document.place(path)) }
}

/** The values that a shape has when nobody says anything. */
export function defaultLayer(values: Table): Layer {
  return { source: 'default', values, place: () => 'default' }
}

/** What options of the command line or of a call say; `place` names each. */
export function optionLayer(values: Table, place: (path: Path) => string = () => 'option'): Layer {
  return { source: 'option', values, place }
}

/** Checks each layer by itself, so that a mistake is told where it was made, even if a later layer covers it. */
export function mergeLayers<const S extends Shape>(layers: readonly Layer[], shape: S): Settings<ValueOf<S>> {
  return new Settings<ValueOf<S>>(layers.map((layer) => checkedLayer(layer, shape)))
}
