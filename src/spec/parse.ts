/** From the text of config.json to an object, or to one finding with its place. */
import { error, type Issue } from '../base/issue.ts'
import { findMistake } from './json.ts'
import { describe } from './quote.ts'
import { respell, shapeAt } from './spelling.ts'
import type { Mount, Process, Resources, Spec } from './types.ts'

export interface SyntaxIssue extends Issue {
  /** Counted from 1. */
  readonly line: number
  /** Counted from 1, in characters (code points). */
  readonly column: number
}

/** Something that was parsed, or the one mistake. */
export type Parsed<Name extends string, Value> =
  | ({ readonly [Key in Name]: Value } & {
      /** What was said in another case than its own; there only when there is some, and an error where it is not clear. */
      readonly spelling?: readonly Issue[]
    })
  | { readonly issue: SyntaxIssue }

/** The configuration as it is written: not validated yet. Members that are null count as absent, as they do for Go programs. */
export const parseConfig = (text: string): Parsed<'spec', Spec> => parseAs('spec', text, [])

/** The same for the text that `update --resources` takes. */
export const parseResources = (text: string): Parsed<'resources', Resources> =>
  parseAs('resources', text, ['linux', 'resources'])

/** The same for the file that `exec --process` takes. */
export const parseProcess = (text: string): Parsed<'process', Process> => parseAs('process', text, ['process'])

function parseAs<Name extends string, Value>(name: Name, text: string, place: readonly string[]): Parsed<Name, Value> {
  const result = parseObject(text)
  if ('issue' in result) return result
  const spelling = respell(result.value, shapeAt(...place))
  return { [name]: result.value, ...(spelling.length > 0 && { spelling }) } as Parsed<Name, Value>
}

/** And for the list of mounts that `mounts add` and `mounts remove` take. */
export function parseMounts(text: string): Parsed<'mounts', readonly Mount[]> {
  const result = parseText(text, 'a list')
  if ('issue' in result) return result
  const spelling = respell(result.value, shapeAt('mounts'), '/mounts')
  return { mounts: result.value as Mount[], ...(spelling.length > 0 && { spelling }) }
}

const parseObject = (text: string) => parseText(text, 'an object')

type Kind = 'an object' | 'a list'

function parseText(source: string, kind: Kind): { readonly value: unknown } | { readonly issue: SyntaxIssue } {
  const text = source.startsWith('\uFEFF') ? source.slice(1) : source
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const mistake = findMistake(text) ?? { offset: 0, message: String(cause) }
    return { issue: syntaxIssue(text, mistake.offset, mistake.message) }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) !== (kind === 'a list')) {
    return { issue: syntaxIssue(text, text.search(/\S/), `${kind} is expected, found ${describe(value)}`) }
  }
  if (text.includes('null')) dropNullMembers(value)
  return { value }
}

/** Without recursion: a hostile document may be nested deeper than our stack. */
function dropNullMembers(root: object): void {
  const waiting: object[] = [root]
  for (let current = waiting.pop(); current !== undefined; current = waiting.pop()) {
    for (const [key, value] of Object.entries(current)) {
      if (value === null && !Array.isArray(current)) Reflect.deleteProperty(current, key)
      else if (typeof value === 'object' && value !== null) waiting.push(value)
    }
  }
}

function syntaxIssue(text: string, offset: number, message: string): SyntaxIssue {
  const lineStart = offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1
  const line = text.slice(0, lineStart).split('\n').length
  const column = Array.from(text.slice(lineStart, offset)).length + 1
  const near = excerpt(text, lineStart, offset)
  const place = `line ${line}, column ${column}: ${message}`
  return { ...error('', near === '' ? place : `${place}, near ${near}`), line, column }
}

const BEFORE = 24
const AFTER = 16

/** The surroundings of the mistake on its own line, quoted; control characters cannot reach a terminal this way. */
function excerpt(text: string, lineStart: number, offset: number): string {
  const lineEnd = text.indexOf('\n', offset)
  const from = Math.max(lineStart, offset - BEFORE)
  const to = Math.min(lineEnd < 0 ? text.length : lineEnd, offset + AFTER)
  const part = text.slice(from, to).trim()
  return part === '' ? '' : `\`${part.replace(/\p{Cc}|\p{Cf}|\p{Cs}/gu, '?')}\``
}
