/** `org.systemd.property.NAME: TEXT` annotations: properties of the unit in GVariant's text format. Pure. */
import { type Value, type Variant, variant } from './encode.ts'
import type { Property } from './manager.ts'

const PREFIX = 'org.systemd.property.'

/** Where a container is, and what is in it, is not for an annotation to say. */
const ours: ReadonlySet<string> = new Set([
  'PIDs',
  'Slice',
  'Delegate',
  'DelegateControllers',
  'ControlGroup',
  'User',
  'Group',
])

export function annotatedProperties(annotations: Readonly<Record<string, string>>): {
  readonly properties: Property[]
  readonly issues: string[]
} {
  const properties: Property[] = []
  const issues: string[] = []
  for (const [key, text] of Object.entries(annotations)) {
    if (!key.startsWith(PREFIX)) continue
    const name = key.slice(PREFIX.length)
    const wrong = (why: string) => issues.push(`/annotations/${key}: ${why}`)
    if (!/^[A-Za-z]{3,}$/.test(name)) wrong('is no name of a property')
    else if (ours.has(name)) wrong('is set by usnea')
    else {
      const value = parseVariant(text)
      const property = value && inMicroseconds(name, value)
      if (property) properties.push(property)
      else wrong(`${JSON.stringify(text)} is no value in the text format of GVariant`)
    }
  }
  return { properties, issues }
}

/** TimeoutStopSec is what people write, TimeoutStopUSec what the bus knows. */
function inMicroseconds(name: string, value: Variant): Property | undefined {
  if (!/[a-z]Sec$/.test(name)) return [name, value]
  const { signature, value: seconds } = value
  if (!'ynqiuxtd'.includes(signature)) return undefined
  const micros = typeof seconds === 'bigint' ? seconds * 1_000_000n : BigInt(Math.round(Number(seconds) * 1_000_000))
  return micros < 0n ? undefined : [name.replace(/Sec$/, 'USec'), variant('t', micros)]
}

const words: Readonly<Record<string, string>> = {
  boolean: 'b',
  byte: 'y',
  int16: 'n',
  uint16: 'q',
  int32: 'i',
  uint32: 'u',
  int64: 'x',
  uint64: 't',
  double: 'd',
  string: 's',
  objectpath: 'o',
  signature: 'g',
}

/** Booleans, numbers, texts and lists of them, with `uint64 5` and `@as []` for what a bare value does not say. */
export function parseVariant(text: string): Variant | undefined {
  const trimmed = text.trim()
  const [, word = '', rest = ''] = /^([a-z0-9]+|@[a-z]+)\s+(.*)$/s.exec(trimmed) ?? []
  const type = word.startsWith('@') ? word.slice(1) : words[word]
  if (type !== undefined) {
    const value = /^a?[bynqiuxtdsog]$/.test(type) ? readValue(rest.trim(), type) : undefined
    return value === undefined ? undefined : variant(type, value)
  }
  const guessed = guess(trimmed)
  const value = guessed && readValue(trimmed, guessed)
  return guessed === undefined || value === undefined ? undefined : variant(guessed, value)
}

function guess(text: string): string | undefined {
  if (text === 'true' || text === 'false') return 'b'
  if (isText(text)) return 's'
  if (/^[+-]?\d+$/.test(text)) return 'i'
  if (/^[+-]?\d+\.\d*(e[+-]?\d+)?$/.test(text)) return 'd'
  const [first] = elements(text) ?? []
  const inner = first === undefined ? undefined : guess(first)
  return inner?.length === 1 ? `a${inner}` : undefined
}

const isText = (text: string): boolean => /^'(?:[^'\\]|\\.)*'$|^"(?:[^"\\]|\\.)*"$/s.test(text)

/** The texts between the commas of a list; undefined when it is none. */
function elements(text: string): string[] | undefined {
  if (!/^\[.*\]$/s.test(text)) return undefined
  const body = text.slice(1, -1).trim()
  if (body === '') return []
  const found = body.match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,\s][^,]*/gs) ?? []
  return found.map((part) => part.trim())
}

const ranges: Readonly<Record<string, readonly [bigint, bigint]>> = {
  y: [0n, 255n],
  n: [-32_768n, 32_767n],
  q: [0n, 65_535n],
  i: [-(2n ** 31n), 2n ** 31n - 1n],
  u: [0n, 2n ** 32n - 1n],
  x: [-(2n ** 63n), 2n ** 63n - 1n],
  t: [0n, 2n ** 64n - 1n],
}

function readValue(text: string, type: string): Value | undefined {
  if (type.startsWith('a')) {
    const values = elements(text)?.map((part) => readValue(part, type.slice(1)))
    return values?.every((value) => value !== undefined) ? (values as Value[]) : undefined
  }
  if (type === 'b') return text === 'true' ? true : text === 'false' ? false : undefined
  if ('sog'.includes(type)) return isText(text) ? text.slice(1, -1).replace(/\\(.)/gs, '$1') : undefined
  if (type === 'd') return /^[+-]?\d+(\.\d*)?(e[+-]?\d+)?$/.test(text) ? Number(text) : undefined
  const [least, most] = ranges[type] ?? [0n, 0n]
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const number = BigInt(text.replace(/^\+/, ''))
  if (number < least || number > most) return undefined
  return type === 'x' || type === 't' ? number : Number(number)
}
