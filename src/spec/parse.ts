/** From the text of config.json to an object, or to one finding with its place. */
import { error, type Issue } from '../base/issue.ts'
import { findMistake } from './json.ts'
import { describe } from './quote.ts'
import type { Process, Resources, Spec } from './types.ts'

export interface SyntaxIssue extends Issue {
  /** Counted from 1. */
  readonly line: number
  /** Counted from 1, in characters (code points). */
  readonly column: number
}

/** The configuration as it is written: not validated yet. Members that are null count as absent, as they do for Go programs. */
export function parseConfig(text: string): { readonly spec: Spec } | { readonly issue: SyntaxIssue } {
  const result = parseObject(text)
  return 'issue' in result ? result : { spec: result.value as Spec }
}

/** The same for the text that `update --resources` takes. */
export function parseResources(text: string): { readonly resources: Resources } | { readonly issue: SyntaxIssue } {
  const result = parseObject(text)
  return 'issue' in result ? result : { resources: result.value as Resources }
}

/** The same for the file that `exec --process` takes. */
export function parseProcess(text: string): { readonly process: Process } | { readonly issue: SyntaxIssue } {
  const result = parseObject(text)
  return 'issue' in result ? result : { process: result.value as Process }
}

function parseObject(source: string): { readonly value: unknown } | { readonly issue: SyntaxIssue } {
  const text = source.startsWith('\uFEFF') ? source.slice(1) : source
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const mistake = findMistake(text) ?? { offset: 0, message: String(cause) }
    return { issue: syntaxIssue(text, mistake.offset, mistake.message) }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { issue: syntaxIssue(text, text.search(/\S/), `an object is expected, found ${describe(value)}`) }
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
