/** Names with `*`, `?`, `[…]` and `**`, as glob(7) reads them: what matches when the sandbox is made. */
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const isPattern = (text: string): boolean => /[*?[]/.test(text)

/** Absolute paths, in order; of a text without wildcards just that path, if it is there. A name that exists is taken for itself. */
export function matching(text: string): string[] {
  if (!isPattern(text) || exists(text)) return exists(text) ? [text] : []
  return walk(
    '/',
    text.split('/').filter((part) => part !== ''),
  )
}

function walk(directory: string, parts: readonly string[]): string[] {
  const [first, ...rest] = parts
  if (first === undefined) return [directory]
  if (first === '**') return [...walk(directory, rest), ...folders(directory).flatMap((path) => walk(path, parts))]
  if (!isPattern(first)) return exists(join(directory, first)) ? walk(join(directory, first), rest) : []
  const test = expression(first)
  const names = list(directory).filter(
    ({ name }) => test.test(name) && (first.startsWith('.') || !name.startsWith('.')),
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

/** `[!a-z]` is anything but these. A bracket that does not end stands for itself. */
function expression(pattern: string): RegExp {
  const text = pattern.replace(/\[(!?)([^\]]+)\]|[\s\S]/g, (all, not?: string, set?: string) => {
    if (set !== undefined) return `[${not ? '^' : ''}${set.replace(/[\\^[]/g, '\\$&')}]`
    return all === '*' ? '.*' : all === '?' ? '.' : all.replace(/[\\^$.|+()[\]{}]/g, '\\$&')
  })
  return new RegExp(`^${text}$`, 's')
}
