/**
 * The server name of a TLS ClientHello, read from the first bytes that a client sends. Pure.
 * RFC 8446 §4.1.2 and §5.1, RFC 6066 §3. What does not parse is no TLS for us, and never passes as one.
 */

export type Peeked =
  /** Not enough bytes yet to tell. */
  | 'more'
  /** Another protocol. */
  | 'other'
  /** It begins like TLS and is none, or is larger than any client makes it. */
  | 'broken'
  | { readonly serverName: string | undefined }

const CHANGE_CIPHER_SPEC = 20
const ALERT = 21
const HANDSHAKE = 22
const CLIENT_HELLO = 1
const SERVER_NAME = 0
const HOST_NAME = 0
/** Hellos with post-quantum keys are below 3 kB, with a session ticket a few more. */
export const LARGEST_HELLO = 32 * 1024

/** A reader that answers undefined behind the end, and from then on. */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  number(size: number): number | undefined {
    if (this.left < size) return undefined
    this.#at += size
    return this.#bytes.readUIntBE(this.#at - size, size)
  }

  take(size: number | undefined): Buffer | undefined {
    if (size === undefined || this.left < size) return undefined
    this.#at += size
    return this.#bytes.subarray(this.#at - size, this.#at)
  }

  /** A list with its length before it. */
  vector(lengthSize: number): Buffer | undefined {
    return this.take(this.number(lengthSize))
  }
}

export function peekClientHello(bytes: Buffer): Peeked {
  if (bytes.length === 0) return 'more'
  const begun = beginning(bytes)
  if (begun !== 'hello') return begun
  const message = handshake(bytes)
  if (typeof message === 'string') return message
  const names = serverNames(message)
  return names === undefined ? 'broken' : { serverName: names === '' ? undefined : names }
}

/** Go takes any version below 16.0 for the first record, GnuTLS any below 3. */
const MOST_MAJOR = 15
/** The first bytes of records that some servers pass over before a hello: GnuTLS this one, Go a warning. -1: any. */
const passedOver: Readonly<Record<number, readonly number[]>> = {
  [CHANGE_CIPHER_SPEC]: [-1, -1, 0, 1, 1],
  [ALERT]: [-1, -1, 0, 2],
}

/** What is TLS for any server is TLS for us: one that is not looked into could have any name. */
function beginning(bytes: Buffer): 'hello' | 'more' | 'other' | 'broken' {
  const [type = 0, major = 0] = bytes
  const fixed = type === HANDSHAKE ? [-1, -1, -1, -1, CLIENT_HELLO] : passedOver[type]
  if (fixed === undefined || major > MOST_MAJOR) return 'other'
  if (type === HANDSHAKE && major === 3) return 'hello'
  if (fixed.some((byte, at) => byte >= 0 && at + 1 < bytes.length && bytes[at + 1] !== byte)) return 'other'
  if (bytes.length <= fixed.length) return 'more'
  return type === HANDSHAKE ? 'hello' : 'broken'
}

/** The first handshake message, put together from as many records as it takes. */
function handshake(bytes: Buffer): Buffer | 'more' | 'broken' {
  const reader = new Reader(bytes)
  let message = Buffer.alloc(0)
  for (;;) {
    if (message.length >= 4) {
      const size = message.readUIntBE(1, 3)
      if (message[0] !== CLIENT_HELLO || size > LARGEST_HELLO) return 'broken'
      if (message.length >= 4 + size) return message.subarray(4, 4 + size)
    }
    if (reader.left < 5) return 'more'
    const [type, version, length] = [reader.number(1), reader.number(2), reader.number(2)]
    if (type !== HANDSHAKE || version === undefined) return 'broken'
    if (length === undefined || length === 0 || length > 16384 + 256) return 'broken'
    const record = reader.take(length)
    if (record) message = Buffer.concat([message, record])
    else return 'more'
  }
}

/** The host name, empty without one; undefined when the message is broken, or names two. */
function serverNames(hello: Buffer): string | undefined {
  const reader = new Reader(hello)
  if (!reader.take(2 + 32) || !reader.vector(1) || !reader.vector(2) || !reader.vector(1)) return undefined
  return reader.left === 0 ? '' : findName(reader.vector(2), reader.left)
}

function findName(extensions: Buffer | undefined, surplus: number): string | undefined {
  if (!extensions || surplus > 0) return undefined
  const reader = new Reader(extensions)
  let found: string | undefined
  while (reader.left > 0) {
    const type = reader.number(2)
    const body = reader.vector(2)
    if (!body) return undefined
    if (type !== SERVER_NAME) continue
    const name = hostName(body)
    if (name === undefined || found !== undefined) return undefined
    found = name
  }
  return found ?? ''
}

function hostName(body: Buffer): string | undefined {
  const outer = new Reader(body)
  const list = outer.vector(2)
  if (!list || outer.left > 0) return undefined
  const reader = new Reader(list)
  const type = reader.number(1)
  const name = reader.vector(2)
  // one entry, of the one kind there is: what two programs would read differently is not let through
  if (type !== HOST_NAME || !name || name.length === 0 || reader.left > 0) return undefined
  return /^[\x21-\x7e]+$/.test(name.toString('latin1'))
    ? name.toString('latin1').toLowerCase().replace(/\.$/, '')
    : undefined
}
