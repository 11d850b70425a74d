/** Names with `*`, `?`, `[…]` and `**`, as glob(7) reads them: what matches when the sandbox is made. */
import { lstatSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

const isPattern = (text: string): boolean => /[*?[]/.test(text)

/** Absolute paths, in order; of a text without wildcards just that path, if it is there. A name that exists is taken for itself. */
export function matching(text: string): string[] {
  if (!isPattern(text) || exists(text)) return exists(text) ? [text] : []
  return walk(
    '/',
    text
      .split('/')
      .filter((part) => part !== '')
      .filter((part, index, parts) => part !== '**' || parts[index - 1] !== '**'),
  )
}

/** A pattern that counts from a directory, in whose own name nothing stands for other names; a plain name stays one. */
export function globIn(directory: string, text: string): string {
  const plain = resolve(directory, text)
  if (!isPattern(text) || !isPattern(directory) || exists(plain)) return plain
  // What leads out of the directory is not a part of the pattern any more.
  const around = resolve(directory, /^(?:\.\.?\/)*/.exec(text)?.[0] ?? '')
  return join(around.replace(/[*?[]/g, '[$&]'), text.replace(/^(?:\.\.?\/)+/, ''))
}

function walk(directory: string, parts: readonly string[]): string[] {
  const [first, ...rest] = parts
  if (first === undefined) return [directory]
  if (first === '**') return [...walk(directory, rest), ...folders(directory).flatMap((path) => walk(path, parts))]
  if (!isPattern(first)) return exists(join(directory, first)) ? walk(join(directory, first), rest) : []
  const steps = stepsOf(first)
  const names = list(directory).filter(
    ({ name }) => fits([...name], steps) && (first.startsWith('.') || !name.startsWith('.')),
  )
  return names
    .map(({ name }) => name)
    .sort()
    .flatMap((name) => walk(join(directory, name), rest))
}

/** Hidden ones too: with `**` nothing is to be left open by its name. Links are not followed. */
const folders = (directory: string): string[] =>
  list(directory)
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(directory, name))
    .sort()

function list(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch {
    return [] // a file, or closed to us
  }
}

function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
  }
}

/** What one step of a pattern says of a character; `*` is a step of its own. */
type Step = '*' | ((character: string) => boolean)

/** Takes the length of the name times that of the pattern at most: a regular expression of many `*` takes for ever. */
function fits(name: readonly string[], steps: readonly Step[]): boolean {
  let [at, step] = [0, 0]
  // Where the last `*` stands, and how much of the name it has taken; an earlier one need not be tried again.
  let [star, taken] = [-1, 0]
  while (at < name.length) {
    const now = steps[step]
    if (now === '*') {
      ;[star, taken] = [step++, at]
    } else if (now?.(name[at] as string) === true) {
      at++
      step++
    } else if (star >= 0) {
      ;[step, at] = [star + 1, ++taken]
    } else return false
  }
  return steps.slice(step).every((left) => left === '*')
}

/** `[!a-z]` is anything but these; a range that runs backwards holds nothing. A bracket that does not end stands for itself. */
const stepsOf = (pattern: string): Step[] =>
  [...pattern.matchAll(/\[(!?)([^\]]+)\]|[\s\S]/gu)].map(([text, not, set]) => {
    if (set !== undefined) return (character) => isIn(set, character) !== (not === '!')
    return text === '*' ? '*' : (character) => text === '?' || character === text
  })

function isIn(set: string, character: string): boolean {
  const code = (text: string): number => text.codePointAt(0) as number
  return [...set.matchAll(/(.)-(.)|./gsu)].some(([text, first, last]) =>
    first === undefined || last === undefined
      ? text === character
      : code(first) <= code(character) && code(character) <= code(last),
  )
}
