/** Grants as lines of a policy's file: what stands there stays as it is, comments too. Pure. */
import { isWithin } from '../policy.ts'
import type { Grant, GrantRule } from './grant.ts'

export interface Places {
  /** The directory of the file: paths in it are relative. */
  readonly directory: string
  readonly home: string | undefined
}

const order: readonly GrantRule[] = ['rw', 'ro', 'cwd', 'socket', 'device', 'allow-host', 'net', 'nested', 'accept']
const paths: ReadonlySet<string> = new Set(['rw', 'ro', 'cwd', 'socket', 'device'])

/** As a person would write it. */
export function wordOf({ rule, value }: Grant, { directory, home }: Places): string {
  if (!paths.has(rule)) return value
  if (isWithin(value, directory))
    return value === directory ? '.' : `./${value.slice(directory === '/' ? 1 : directory.length + 1)}`
  if (home !== undefined && isWithin(value, home)) return `~${value.slice(home.length)}`
  return value
}

/** The same in the words of the command line. */
export const flagOf = (grant: Grant): string =>
  grant.rule === 'nested' ? '--nested' : `--${grant.rule} ${shellWord(grant.value)}`

const shellWord = (text: string): string =>
  /^[\w./:=@%+,~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** What can be written in quotes by TOML and JSON alike. */
const quoted = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** The text with the grants in it: in the list that is there, or in a line of their own above all tables. */
export function withGrants(text: string, grants: readonly Grant[], places: Places): string {
  return order.reduce((before, rule) => {
    const words = grants.filter((grant) => grant.rule === rule).map((grant) => wordOf(grant, places))
    return words.length === 0 ? before : withRule(before, rule, words)
  }, text)
}

function withRule(text: string, rule: GrantRule, words: readonly string[]): string {
  const isList = rule !== 'nested' && rule !== 'net' && rule !== 'cwd'
  const found = new RegExp(`^[ \\t]*(?:${rule}|"${rule}")[ \\t]*=[ \\t]*`, 'm').exec(beforeTables(text))
  const value = rule === 'nested' ? 'true' : quoted(words[0] ?? '')
  if (found === null) return inserted(text, `${rule} = ${isList ? `[${words.map(quoted).join(', ')}]` : value}\n`)
  const start = found.index + found[0].length
  if (!isList) return text.slice(0, start) + text.slice(start).replace(/^[^\n#]*?(?=[ \t]*(?:#|\n|$))/, value)
  const end = endOfList(text, start)
  if (end === undefined) return text
  const inside = text.slice(start + 1, end)
  const kept = words.map(quoted).filter((word) => !inside.includes(word))
  return kept.length === 0 ? text : text.slice(0, start) + joined(inside, kept) + text.slice(end + 1)
}

function joined(inside: string, words: readonly string[]): string {
  const isMany = inside.includes('\n')
  const trimmed = inside.trimEnd()
  const comma = trimmed === '' || /,[ \t]*(#[^\n]*)?$/.test(trimmed) ? '' : ','
  if (!isMany) return `[${trimmed}${comma}${trimmed === '' ? '' : ' '}${words.join(', ')}]`
  const indent = /\n([ \t]+)/.exec(inside)?.[1] ?? '  '
  // A comma behind a comment would be part of it, so it begins the next line.
  const hasComment = /#[^\n]*$/.test(trimmed)
  const [same, next] = hasComment ? ['', comma] : [comma, '']
  return `[${trimmed}${same}\n${next === '' ? '' : `${indent}${next}\n`}${words.map((word) => `${indent}${word},\n`).join('')}]`
}

/** Keys stand above the first table. */
const beforeTables = (text: string): string =>
  text.slice(0, /^[ \t]*\[[^\n]*\][ \t]*(?:#.*)?$/m.exec(withoutLists(text))?.index)

/** Lists over several lines look like tables; the same length, so that places stay. */
const withoutLists = (text: string): string => text.replace(/=[ \t]*\[[^\]]*\]/g, (list) => list.replace(/[^\n]/g, ' '))

function inserted(text: string, line: string): string {
  const head = beforeTables(text)
  const isOpen = head !== '' && !head.endsWith('\n')
  return `${head}${isOpen ? '\n' : ''}${line}${text.slice(head.length)}`
}

/** Of the bracket that opens at `start`, outside of strings and comments. */
function endOfList(text: string, start: number): number | undefined {
  if (text[start] !== '[') return undefined
  for (const { 0: token, index } of text
    .slice(start)
    .matchAll(/"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*|\]/g))
    if (token === ']') return start + index
  return undefined
}
