/** Changes inputs: bytes by bytes, and JSON by its values, so that the shape survives long enough to matter. */

export type Random = () => number

/** mulberry32: the same seed gives the same run. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

export const below = (random: Random, limit: number): number => Math.floor(random() * limit)
export const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)] as T

const LARGEST = 1 << 14

/** Bytes that parsers trip over. */
const awkward = [
  '\0',
  '\n',
  '\\',
  '"',
  ' ',
  '-',
  ',',
  ':',
  '=',
  '/',
  '..',
  '%',
  '\u{1f512}',
  '\ud800',
  '4294967296',
  '-1',
]
const awkwardBytes = [0, 1, 0x7f, 0x80, 0xff]

export function mutateBytes(random: Random, input: Buffer, words: readonly string[], other: Buffer): Buffer {
  let bytes = Buffer.from(input)
  for (let changes = 1 + below(random, 4); changes > 0; changes--) bytes = changeOnce(random, bytes, words, other)
  return bytes.subarray(0, LARGEST)
}

function changeOnce(random: Random, bytes: Buffer, words: readonly string[], other: Buffer): Buffer<ArrayBuffer> {
  const at = below(random, bytes.length + 1)
  const to = Math.min(bytes.length, at + 1 + below(random, 16))
  const around = (middle: Buffer) => Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(to)])
  switch (below(random, 7)) {
    case 0:
      return around(Buffer.from([pick(random, awkwardBytes)]))
    case 1:
      return around(Buffer.from([below(random, 256)]))
    case 2:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(pick(random, [...awkward, ...words])),
        bytes.subarray(at),
      ])
    case 3:
      return around(Buffer.alloc(0))
    case 4: // a piece once more
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at, to), bytes.subarray(to)])
    case 5: // the head of this one, the tail of another
      return Buffer.concat([bytes.subarray(0, at), other.subarray(below(random, other.length + 1))])
    default: {
      const long = Buffer.alloc(1 << below(random, 12), bytes[at] ?? 0x30)
      return around(long)
    }
  }
}

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

const oddNumbers = [0, -1, 1, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 63), 2 ** 64, 0.5, 1e308, Number.MAX_SAFE_INTEGER]
const oddTexts = [
  '',
  '\0',
  '/',
  '..',
  '../../..',
  '/proc/self/fd/7',
  '__proto__',
  'a'.repeat(5000),
  '\ud800',
  '-1',
  '0x10',
  'rbind',
  '\n',
]

function oddValue(random: Random): Json {
  const kinds: Json[] = [null, true, false, [], {}, [[]], { '': {} }]
  return pick(random, [pick(random, kinds), pick(random, oddNumbers), pick(random, oddTexts)])
}

/** A copy with a few values changed, removed, doubled, or put where others were. */
export function mutateJson(random: Random, value: Json, words: readonly string[]): Json {
  const top = { value: structuredClone(value) }
  for (let changes = 1 + below(random, 3); changes > 0; changes--) {
    const places = placesIn(top as unknown as Json)
    if (places.length === 0) break
    const { holder, key } = pick(random, places)
    change(random, { holder, key, words, donor: pick(random, places) })
  }
  return top.value ?? null
}

interface Place {
  readonly holder: { [name: string]: Json } | Json[]
  readonly key: string | number
}

function placesIn(value: Json): Place[] {
  if (typeof value !== 'object' || value === null) return []
  const keys = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value)
  return keys.flatMap((key) => [
    { holder: value, key },
    ...placesIn((value as { [name: string | number]: Json })[key] as Json),
  ])
}

interface Change extends Place {
  readonly words: readonly string[]
  readonly donor: Place
}

function change(random: Random, { holder, key, words, donor }: Change): void {
  const object = holder as { [name: string | number]: Json }
  const given = structuredClone((donor.holder as { [name: string | number]: Json })[donor.key] ?? null)
  switch (below(random, 6)) {
    case 0:
      object[key] = oddValue(random)
      break
    case 1:
      object[key] = given
      break
    case 2:
      if (Array.isArray(holder)) holder.splice(Number(key), 1)
      else delete object[key]
      break
    case 3:
      if (Array.isArray(holder)) holder.push(given)
      else object[pick(random, [...words, ...oddTexts])] = given
      break
    case 4:
      object[key] = pick(random, [...words, ...oddTexts])
      break
    default:
      object[key] = Array.isArray(object[key])
        ? Array.from({ length: below(random, 70) }, () => given)
        : oddValue(random)
  }
}
