/**
 * Protocol Buffers as tables: a message is its fields' names, numbers and kinds, and both directions and both TypeScript
 * types follow from that. As proto3 has it, a scalar that is absent reads as its zero, and a zero is not written.
 */
import { PbfReader, PbfWriter } from 'pbf'

/** `number` is uint32 or uint64 and exact to 2^53, `signed` int32 or int64, `flag` bool, `text` string. */
export type Scalar = 'text' | 'bytes' | 'flag' | 'number' | 'signed' | 'double'
/** A message within a message may be a function, for those that name each other. */
// biome-ignore lint/suspicious/noExplicitAny: the types of its two directions are what is inferred below.
type Kind = Scalar | Message<any>
/** `many`: repeated. `map`: a map of text to text. */
export type Field = readonly [tag: number, kind: Kind, rule?: 'many' | 'map']
export type Fields = Readonly<Record<string, Field>>

interface Scalars {
  readonly text: string
  readonly bytes: Uint8Array
  readonly flag: boolean
  readonly number: number
  readonly signed: number
  readonly double: number
}

type Value<K, D extends 'read' | 'given'> = K extends Scalar
  ? Scalars[K]
  : K extends Message<infer F>
    ? D extends 'read'
      ? Read<F>
      : Given<F>
    : never

type FieldValue<F extends Field, D extends 'read' | 'given'> = F[2] extends 'many'
  ? readonly Value<F[1], D>[]
  : F[2] extends 'map'
    ? Readonly<Record<string, string>>
    : Value<F[1], D>

/** What reading gives: every scalar and list is there; a message that was not sent is undefined. */
export type Read<F extends Fields> = {
  readonly [N in keyof F]: F[N][2] extends 'many' | 'map'
    ? FieldValue<F[N], 'read'>
    : F[N][1] extends Scalar
      ? FieldValue<F[N], 'read'>
      : FieldValue<F[N], 'read'> | undefined
}
/** What writing takes: any part of it. */
export type Given<F extends Fields> = { readonly [N in keyof F]?: FieldValue<F[N], 'given'> | undefined }

export interface Message<F extends Fields> {
  readonly fields: F
  encode(value: Given<F>): Uint8Array
  /** @throws NoMessage */
  decode(bytes: Uint8Array): Read<F>
}

/** The type that reading a message gives. */
export type MessageOf<M> = M extends Message<infer F> ? Read<F> : never
/** The type that writing a message takes. */
export type GivenOf<M> = M extends Message<infer F> ? Given<F> : never

/** The bytes are no such message. */
export class NoMessage extends Error {
  constructor(why: string, options?: ErrorOptions) {
    super(`not a message of Protocol Buffers: ${why}`, options)
    this.name = 'NoMessage'
  }
}

const wireTypes = { text: 2, bytes: 2, flag: 0, number: 0, signed: 0, double: 1 } as const

export function message<const F extends Fields>(fields: F): Message<F> {
  const byTag = new Map(Object.entries(fields).map(([name, field]) => [field[0], { name, field }]))
  return {
    fields,
    encode(value) {
      const pbf = new PbfWriter()
      for (const [name, field] of Object.entries(fields)) writeField(pbf, field, value[name])
      return pbf.finish()
    },
    decode(bytes) {
      const found = zeros(fields)
      const pbf = new PbfReader(bytes)
      while (pbf.pos < bytes.length) {
        const tag = guarded(pbf, () => pbf.nextField())
        if (tag === 0) throw new NoMessage('a field numbered 0')
        const known = byTag.get(tag)
        if (known === undefined) guarded(pbf, () => pbf.skip(pbf.type))
        else found[known.name] = readField(pbf, known.field, found[known.name])
      }
      return found as Read<F>
    },
  }
}

/** Every read of the package trusts the lengths; what went beyond the end was no message. */
function guarded<T>(pbf: PbfReader, read: () => T): T {
  let value: T
  try {
    value = read()
  } catch (cause) {
    throw new NoMessage(cause instanceof Error ? cause.message : String(cause), { cause })
  }
  if (!(pbf.pos <= pbf.length)) throw new NoMessage('it ends in the middle of a field')
  return value
}

function zeros(fields: Fields): Record<string, unknown> {
  const zero = { text: '', bytes: new Uint8Array(), flag: false, number: 0, signed: 0, double: 0 }
  return Object.fromEntries(
    Object.entries(fields).map(([name, [, kind, rule]]) => [
      name,
      rule === 'many' ? [] : rule === 'map' ? {} : typeof kind === 'string' ? zero[kind] : undefined,
    ]),
  )
}

const pair = { key: [1, 'text'], value: [2, 'text'] } as const satisfies Fields

function readField(pbf: PbfReader, [tag, kind, rule]: Field, before: unknown): unknown {
  if (rule === 'map') {
    const { key, value } = entryMessage().decode(bytesOf(pbf, tag))
    // A key may be `__proto__`: an own property, whatever its name.
    return Object.defineProperty(before, key, { value, enumerable: true, configurable: true, writable: true })
  }
  if (rule !== 'many') return readOne(pbf, tag, kind)
  // Numbers may come packed, and both ways mixed.
  if (typeof kind === 'string' && wireTypes[kind] === 0 && pbf.type === 2)
    return [...(before as unknown[]), ...guarded(pbf, () => packed(pbf, kind))]
  ;(before as unknown[]).push(readOne(pbf, tag, kind))
  return before
}

function packed(pbf: PbfReader, kind: Scalar): (number | boolean)[] {
  const end = pbf.readVarint() + pbf.pos
  if (end > pbf.length) throw new NoMessage('a list longer than the message')
  const list: (number | boolean)[] = []
  while (pbf.pos < end) list.push(kind === 'flag' ? pbf.readBoolean() : numberOf(pbf, kind))
  if (pbf.pos !== end) throw new NoMessage('a list that ends in the middle of a number')
  return list
}

/** The largest number of JavaScript that is an int64: 2^63 - 1 itself would become 2^63. */
const LARGEST_SIGNED = 2 ** 63 - 1024

const numberOf = (pbf: PbfReader, kind: Scalar): number =>
  kind === 'signed' ? Math.min(pbf.readVarint(true), LARGEST_SIGNED) : pbf.readVarint()

function bytesOf(pbf: PbfReader, tag: number): Uint8Array {
  if (pbf.type !== 2) throw new NoMessage(`field ${tag} has wire type ${pbf.type}`)
  return guarded(pbf, () => pbf.readBytes())
}

function readOne(pbf: PbfReader, tag: number, kind: Kind): unknown {
  if (typeof kind !== 'string') return kind.decode(bytesOf(pbf, tag))
  if (kind === 'text') return new TextDecoder().decode(bytesOf(pbf, tag))
  // A copy: the frame that it came in is not kept alive by a few bytes of it.
  if (kind === 'bytes') return Uint8Array.from(bytesOf(pbf, tag))
  if (pbf.type !== wireTypes[kind]) throw new NoMessage(`field ${tag} has wire type ${pbf.type}`)
  if (kind === 'double') return guarded(pbf, () => pbf.readDouble())
  return guarded(pbf, () => (kind === 'flag' ? pbf.readBoolean() : numberOf(pbf, kind)))
}

function writeField(pbf: PbfWriter, [tag, kind, rule]: Field, value: unknown): void {
  if (value === undefined) return
  if (rule === 'many') for (const item of value as readonly unknown[]) writeOne(pbf, tag, kind, item)
  else if (rule === 'map')
    for (const [key, text] of Object.entries(value as Readonly<Record<string, string>>))
      pbf.writeBytesField(tag, entryMessage().encode({ key, value: text }))
  else if (typeof kind !== 'string' || !isZero(value)) writeOne(pbf, tag, kind, value)
}

const isZero = (value: unknown): boolean =>
  value === '' || value === 0 || value === false || (value instanceof Uint8Array && value.length === 0)

function writeOne(pbf: PbfWriter, tag: number, kind: Kind, value: unknown): void {
  if (typeof kind !== 'string') pbf.writeBytesField(tag, kind.encode(value as Given<Fields>))
  else if (kind === 'text') pbf.writeBytesField(tag, new TextEncoder().encode(value as string))
  else if (kind === 'bytes') pbf.writeBytesField(tag, value as Uint8Array)
  else if (kind === 'flag') pbf.writeBooleanField(tag, value as boolean)
  else if (kind === 'double') pbf.writeDoubleField(tag, value as number)
  else if ((value as number) >= 2 ** 64) writeLargest(pbf, tag)
  else pbf.writeVarintField(tag, value as number)
}

/** 2^64 - 1, a cgroup's "no limit", becomes 2^64 as a number of JavaScript. */
function writeLargest(pbf: PbfWriter, tag: number): void {
  pbf.writeTag(tag, 0)
  pbf.realloc(10)
  for (let at = 0; at < 10; at++) pbf.buf[pbf.pos++] = at < 9 ? 0xff : 1
}

let entries: Message<typeof pair> | undefined
function entryMessage(): Message<typeof pair> {
  entries ??= message(pair)
  return entries
}
