/** D-Bus messages: D-Bus Specification, "Message Protocol". Pure. */
import { Reader } from './decode.ts'
import { type Value, Writer } from './encode.ts'
import { WireError } from './signature.ts'

export const kinds = { call: 1, reply: 2, error: 3, signal: 4 } as const

export interface Message {
  readonly kind: number
  readonly serial: number
  readonly path?: string | undefined
  readonly interface?: string | undefined
  readonly member?: string | undefined
  readonly errorName?: string | undefined
  readonly replyTo?: number | undefined
  readonly destination?: string | undefined
  readonly sender?: string | undefined
  readonly signature: string
  readonly body: readonly Value[]
}

/** Codes and types of the header fields. */
const fields = {
  path: [1, 'o'],
  interface: [2, 's'],
  member: [3, 's'],
  errorName: [4, 's'],
  replyTo: [5, 'u'],
  destination: [6, 's'],
  sender: [7, 's'],
  signature: [8, 'g'],
} as const

type FieldName = keyof typeof fields

const PREFIX = 16
/** The specification allows 128 MiB; what systemd tells us has a few kilobytes. */
const LARGEST = 16 << 20
const LITTLE = 'l'.charCodeAt(0)
const BIG = 'B'.charCodeAt(0)

/** @throws WireError */
export function encodeMessage(message: Message): Buffer {
  const body = new Writer().write(message.signature, message.body).bytes()
  const named = Object.entries(fields).flatMap(([name, [code, signature]]) => {
    const value = message[name as FieldName]
    return value === undefined || value === '' ? [] : [[code, { signature, value }] as const]
  })
  const head = new Writer()
  head.write('yyyyuu', [LITTLE, message.kind, 0, 1, body.length, message.serial])
  head.write('a(yv)', [named])
  head.align(8)
  return Buffer.concat([head.bytes(), body])
}

interface Sizes {
  readonly little: boolean
  readonly fields: number
  /** Where the body begins. */
  readonly bodyAt: number
  readonly total: number
}

/** Undefined until the first 16 bytes are there. @throws WireError */
function sizesOf(bytes: Buffer): Sizes | undefined {
  if (bytes.length < PREFIX) return undefined
  const little = bytes[0] === LITTLE
  if (!little && bytes[0] !== BIG) throw new WireError('a message begins with neither l nor B')
  if (bytes[3] !== 1) throw new WireError(`a message of protocol version ${bytes[3]}`)
  const [body, length] = [4, 12].map((at) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at))) as [
    number,
    number,
  ]
  const bodyAt = Math.ceil((PREFIX + length) / 8) * 8
  if (bodyAt + body > LARGEST) throw new WireError('a message is too large')
  return { little, fields: length, bodyAt, total: bodyAt + body }
}

/** The first message, and how many bytes it has; undefined while it is not whole. @throws WireError */
export function decodeMessage(bytes: Buffer): { message: Message; length: number } | undefined {
  const sizes = sizesOf(bytes)
  if (!sizes || bytes.length < sizes.total) return undefined
  const { little, bodyAt, total } = sizes
  const head = new Reader(bytes, { little, end: bodyAt })
  const [, kind, , , , serial, list] = head.read('yyyyuua(yv)') as [0, number, 0, 0, 0, number, [number, Value][]]
  head.align(8)
  const named = namedFields(list)
  // Alignment counts from the start of the message, and the body starts at a multiple of 8.
  const body = new Reader(bytes, { little, at: bodyAt, end: total })
  const signature = named.signature ?? ''
  const values = body.read(signature)
  if (body.at !== total) throw new WireError('a message has more bytes than its signature')
  return { message: { ...named, kind, serial, signature, body: values }, length: total }
}

type Named = Partial<Omit<Message, 'kind' | 'serial' | 'body'>>

/** Unknown fields are to be ignored: "Header Fields". */
function namedFields(list: readonly (readonly [number, Value])[]): Named {
  const known = Object.entries(fields)
  const named = list.flatMap(([code, value]) => {
    const field = known.find(([, [number]]) => number === code)
    if (!field) return []
    const [name, [, type]] = field
    const { signature, value: inner } = value as { signature: string; value: Value }
    if (signature !== type) throw new WireError(`the header field ${name} has the type ${signature}`)
    return [[name, inner] as const]
  })
  return Object.fromEntries(named) as Named
}
