/** Finds the place of a mistake in JSON text by RFC 8259. Engines tell it differently or not at all, so we look ourselves. */

import { quote } from './quote.ts'

export interface Mistake {
  /** UTF-16 index into the text. */
  readonly offset: number
  readonly message: string
}

type Want = 'value' | 'element' | 'name' | 'first name' | 'colon' | 'more' | 'nothing'

interface Scanner {
  readonly text: string
  offset: number
  want: Want
  /** The brackets that are open, innermost last. */
  readonly open: ('{' | '[')[]
}

const wanted: Readonly<Record<Want, string>> = {
  value: 'a value is expected',
  element: 'a value or ] is expected',
  name: 'a name in double quotes is expected',
  'first name': 'a name in double quotes or } is expected',
  colon: 'a colon is expected',
  more: 'a comma or closing bracket is expected',
  nothing: 'nothing more is expected after the value',
}

const blank = /[ \t\n\r]*/y
const scalar = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null/y

/** The first mistake, or undefined when the text is JSON. Never recurses, so depth does not matter. */
export function findMistake(text: string): Mistake | undefined {
  const scanner: Scanner = { text, offset: 0, want: 'value', open: [] }
  for (;;) {
    scanner.offset = endOf(blank, text, scanner.offset)
    if (scanner.offset >= text.length) return scanner.want === 'nothing' ? undefined : endsTooEarly(scanner)
    const mistake = step(scanner)
    if (mistake !== undefined) return mistake
  }
}

function endOf(pattern: RegExp, text: string, offset: number): number {
  pattern.lastIndex = offset
  return pattern.test(text) ? pattern.lastIndex : offset
}

function endsTooEarly({ text, open, want }: Scanner): Mistake {
  const left = open.length > 0 ? `; ${open.length} brackets are not closed` : ''
  return { offset: text.length, message: `the text ends too early: ${wanted[want]}${left}` }
}

/** Takes one token. */
function step(scanner: Scanner): Mistake | undefined {
  const character = scanner.text.charAt(scanner.offset)
  switch (scanner.want) {
    case 'value':
      return takeValue(scanner, character)
    case 'element':
      return character === ']' ? close(scanner) : takeValue(scanner, character)
    case 'first name':
      return character === '}' ? close(scanner) : takeName(scanner, character)
    case 'name':
      return takeName(scanner, character)
    case 'colon':
      return character === ':' ? take(scanner, 1, 'value') : unexpected(scanner)
    case 'more': {
      const inObject = scanner.open.at(-1) === '{'
      if (character === ',') return take(scanner, 1, inObject ? 'name' : 'value')
      return character === (inObject ? '}' : ']') ? close(scanner) : unexpected(scanner)
    }
    case 'nothing':
      return unexpected(scanner)
  }
}

function take(scanner: Scanner, length: number, want: Want): undefined {
  scanner.offset += length
  scanner.want = want
}

function close(scanner: Scanner): undefined {
  scanner.open.pop()
  take(scanner, 1, afterValue(scanner))
}

const afterValue = ({ open }: Scanner): Want => (open.length > 0 ? 'more' : 'nothing')

function takeValue(scanner: Scanner, character: string): Mistake | undefined {
  if (character === '{' || character === '[') {
    scanner.open.push(character)
    return take(scanner, 1, character === '{' ? 'first name' : 'element')
  }
  if (character === '"') return takeString(scanner, afterValue(scanner))
  const end = endOf(scalar, scanner.text, scanner.offset)
  if (end === scanner.offset) return unexpected(scanner)
  return take(scanner, end - scanner.offset, afterValue(scanner))
}

function takeName(scanner: Scanner, character: string): Mistake | undefined {
  return character === '"' ? takeString(scanner, 'colon') : unexpected(scanner)
}

function takeString(scanner: Scanner, next: Want): Mistake | undefined {
  const { text, offset: start } = scanner
  for (let at = start + 1; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === '"') return take(scanner, at + 1 - start, next)
    if (character < ' ') return { offset: at, message: 'a line break or control character stands inside a string' }
    if (character !== '\\') continue
    if (!/^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(text.slice(at + 1, at + 6))) {
      return { offset: at, message: 'a wrong escape stands inside a string' }
    }
    at++
  }
  return { offset: start, message: 'the string that begins here never ends' }
}

function unexpected({ text, offset, want, open }: Scanner): Mistake {
  const character = text.charAt(offset)
  if (character === '/' || character === '#') return { offset, message: 'JSON has no comments' }
  if (character === "'") return { offset, message: `${wanted[want]}; JSON knows only double quotes` }
  const afterComma =
    (character === '}' && want === 'name') || (character === ']' && want === 'value' && open.length > 0)
  if (afterComma) return { offset, message: `the comma before ${character} is one too many` }
  return {
    offset,
    message: `${wanted[want]}, found ${quote(String.fromCodePoint(text.codePointAt(offset) ?? 0))}`,
  }
}
