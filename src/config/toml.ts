/** Reading one TOML document: its values, and where each of them stands. The only import of smol-toml. */
import { parse, TomlError } from 'smol-toml'
import { RuntimeError } from '../base/errors.ts'
import { findPositions, type Path, type Place, type Positions, positionKey } from './positions.ts'
import type { Table } from './shape.ts'

export interface TomlDocument {
  /** The file, or whatever else the words came from. */
  readonly name: string
  readonly values: Table
  /** Of a key, or of the nearest thing around it that has a place. */
  place(path: Path): Place | undefined
}

const DEEPEST = 32

/** `name` is for messages. Throws config-file-syntax with line and column. */
export function readToml(text: string, name: string): TomlDocument {
  const values = parseToml(text, name)
  let positions: Positions | undefined
  return {
    name,
    values,
    place(path) {
      positions ??= findPositions(text)
      for (let length = path.length; length > 0; length--) {
        const found = positions.get(positionKey(path.slice(0, length)))
        if (found !== undefined) return found
      }
      return undefined
    },
  }
}

function parseToml(text: string, name: string): Table {
  try {
    // A key called __proto__ would not be one for everybody who reads it.
    return parse(text, { unsafeKeyBehaviour: 'throw', maxDepth: DEEPEST })
  } catch (failure) {
    if (!(failure instanceof TomlError)) throw failure
    const [reason = ''] = failure.message.replace(/^Invalid TOML document: /, '').split('\n')
    throw new RuntimeError('config-file-syntax', {
      what: `${printPlace(name, failure)}: this is not TOML`,
      why: reason,
      cause: failure,
    })
  }
}

/** `FILE:LINE:COLUMN`, which editors and terminals can follow. */
export function printPlace(name: string, place: Place | undefined): string {
  return place === undefined ? name : `${name}:${place.line}:${place.column}`
}
