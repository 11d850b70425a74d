/** What a layer changed, for people and for programs. Names and texts are a hostile program's: nothing steers the terminal. */
import type { ApplyResult, Differing, Shown } from '../../sandbox/index.ts'
import type { RollBackResult } from '../../sandbox/layers/index.ts'
import type { LayerRecord } from '../../sandbox/layers/record.ts'

const signs = { added: 'A', changed: 'M', removed: 'D', renamed: 'R' } as const

/** One line, and nothing that a terminal obeys or that turns the order of letters around. */
export function safe(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\\]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    if (character === '\\') return '\\\\'
    if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
  })
}

/** Lines of a text keep their tabs, and a backslash is one. */
const safeLine = (line: string): string =>
  line
    .split(/([\t\\])/)
    .map((part) => (part === '\t' || part === '\\' ? part : safe(part)))
    .join('')

/** Those at or below the paths; all without paths. */
export function within(changes: readonly Differing[], paths: readonly string[]): Differing[] {
  if (paths.length === 0) return [...changes]
  const isIn = (path: string) => paths.some((top) => path === top || path.startsWith(top === '/' ? '/' : `${top}/`))
  return changes.filter(({ path, from }) => isIn(path) || (from !== undefined && isIn(from)))
}

export function printNames(changes: readonly Differing[]): string {
  return changes.map(({ path }) => `${safe(path)}\n`).join('')
}

export function printDiffJson({ name, backend }: LayerRecord, changes: readonly Differing[]): string {
  return `${JSON.stringify({ schemaVersion: 1, layer: name, backend, changes })}\n`
}

export function printStat(changes: readonly Differing[]): string {
  const lines = changes.map((change) => `${headOf(change)} | ${amountOf(change)}\n`)
  return `${lines.join('')}${totals(changes)}\n`
}

function amountOf({ text, before, after, differs }: Differing): string {
  if (text !== undefined) {
    const count = (sign: string) => text.split('\n').filter((line) => line.startsWith(sign)).length
    return `+${count('+')} -${count('-')} lines`
  }
  if (differs.length > 0 && !differs.includes('content') && !differs.includes('type')) return differs.join(', ')
  return `${before?.size ?? 0} -> ${after?.size ?? 0} bytes`
}

export function totals(changes: readonly Differing[]): string {
  const words = Object.keys(signs).flatMap((kind) => {
    const count = changes.filter(({ change }) => change === kind).length
    return count === 0 ? [] : [`${count} ${kind}`]
  })
  return words.length === 0 ? 'no changes' : words.join(', ')
}

const headOf = ({ change, path, from }: Differing): string =>
  `${signs[change]} ${from === undefined ? '' : `${safe(from)} -> `}${safe(path)}`

const dyes = { '+': 32, '-': 31, '@': 36 } as const

export function printChanges(changes: readonly Differing[], { isColoured }: { isColoured: boolean }): string {
  const dye = (code: number, text: string) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text)
  return changes
    .map((change) => {
      const head = `${dye(1, headOf(change))}${remarks(change)}\n`
      const warnings = warningsOf(change).map((text) => `  ${dye(33, `! ${text}`)}\n`)
      const lines = change.text?.split('\n').slice(0, -1) ?? []
      const body = lines.map((line) => {
        const code = dyes[line[0] as keyof typeof dyes]
        return `  ${code === undefined ? safeLine(line) : dye(code, safeLine(line))}\n`
      })
      return head + warnings.join('') + body.join('')
    })
    .join('')
}

/** What is not to be seen from the text. */
function remarks({ before, after, differs, text }: Differing): string {
  const words: string[] = []
  const only = before ?? after
  if (before !== undefined && after !== undefined && before.kind !== after.kind)
    words.push(`${before.kind} -> ${after.kind}`)
  else if (only !== undefined && only.kind !== 'file') words.push(only.kind)
  if (after?.link !== undefined) words.push(`to ${safe(after.link)}`)
  if (differs.includes('mode')) words.push(`mode ${octal(before)} -> ${octal(after)}`)
  if (differs.includes('owner')) words.push(`owner ${ownerOf(before)} -> ${ownerOf(after)}`)
  if (differs.includes('xattrs')) words.push('extended attributes')
  if (text === undefined && differs.includes('content')) words.push(`${before?.size ?? 0} -> ${after?.size ?? 0} bytes`)
  if (text === undefined && differs.length === 0 && only?.kind === 'file') words.push(`${(after ?? only).size} bytes`)
  return words.length === 0 ? '' : ` (${words.join(', ')})`
}

const octal = (side: Shown | undefined): string => (side?.mode ?? 0).toString(8).padStart(4, '0')
const ownerOf = (side: Shown | undefined): string => `${side?.uid}:${side?.gid}`

function warningsOf({ conflict, danger, refused }: Differing): string[] {
  return [
    ...(conflict === undefined ? [] : [`conflict: ${conflict}`]),
    ...(danger === undefined ? [] : [`${danger}: applied only when it is named`]),
    ...(refused === undefined ? [] : [`${refused}: never applied`]),
  ]
}

/** What is said at the end of a try. */
export function summarize({ name, backend, missing }: LayerRecord, changes: readonly Differing[]): string[] {
  const count = (what: 'conflict' | 'danger' | 'refused') =>
    changes.filter((change) => change[what] !== undefined).length
  const flagged = count('danger') + count('refused')
  const warnings = [
    ...(flagged > 0 ? [`${flagged} of them are not applied unless they are named, or not at all`] : []),
    ...(missing.length > 0 ? [`${missing.length} files could not be copied, so the command did not see them`] : []),
  ]
  const next = `usnea diff --layer ${name}, then usnea apply or discard --layer ${name}`
  return [`layer ${name} (${backend}): ${totals(changes)}; the host is unchanged: ${next}`, ...warnings]
}

export function appliedWords(name: string, result: ApplyResult): string[] {
  const { applied, dropped, kept, isResumed, isRemoved } = result
  const words = [
    `${isResumed ? 'the interrupted apply is finished: ' : ''}${applied.length} files and directories applied`,
    ...(dropped.length > 0 ? [`${dropped.length} kept as the host has them`] : []),
    ...(kept.length > 0 ? [`${kept.length} changes are still in the layer ${name}`] : []),
    ...(isRemoved ? [`the layer ${name} is gone`] : []),
  ]
  return [words.join(', ')]
}

export function rolledBackWords(name: string, { restored, left }: RollBackResult): string[] {
  const words = [
    `the interrupted apply is undone: ${restored.length} files and directories are as they were`,
    ...(left.length > 0 ? [`${left.length} kept as the host has them`] : []),
    `the layer ${name} is as before`,
  ]
  return [words.join(', ')]
}
