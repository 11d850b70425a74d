/** What a client asks a proxy for: SOCKS5 (RFC 1928), HTTP CONNECT, or an HTTP request with a whole URL (RFC 9110 §7.1). Pure. */
import { formatAddress } from './addresses.ts'

export interface Target {
  /** A name or an address, as it was given. */
  readonly host: string
  readonly port: number
}

export type Request =
  | 'more'
  | 'broken'
  /** The client wants to be answered first, and then says more. */
  | { readonly greet: Buffer; readonly rest: Buffer }
  | {
      readonly target: Target
      readonly style: 'socks' | 'connect' | 'plain'
      /** For the host: what came behind the request, or the request itself in the form that a host takes. */
      readonly first: Buffer
    }

export const LARGEST_REQUEST = 32 * 1024

/** `isGreeted`: the greeting of SOCKS5 is over. */
export function readRequest(bytes: Buffer, isGreeted: boolean): Request {
  if (bytes.length === 0) return 'more'
  if (bytes[0] === 5) return isGreeted ? readSocks(bytes) : greetSocks(bytes)
  return isGreeted ? 'broken' : readHttp(bytes)
}

function greetSocks(bytes: Buffer): Request {
  const count = bytes[1]
  if (count === undefined || bytes.length < 2 + count) return 'more'
  // without a password: whoever is in the sandbox may ask
  if (!bytes.subarray(2, 2 + count).includes(0)) return 'broken'
  return { greet: Buffer.from([5, 0]), rest: bytes.subarray(2 + count) }
}

function readSocks(bytes: Buffer): Request {
  if (bytes.length < 5) return 'more'
  if (bytes[1] !== 1) return 'broken' // CONNECT only
  const size = bytes[3] === 1 ? 4 : bytes[3] === 4 ? 16 : bytes[3] === 3 ? 1 + (bytes[4] ?? 0) : undefined
  if (size === undefined) return 'broken'
  const end = 4 + size
  if (bytes.length < end + 2) return 'more'
  const host = bytes[3] === 3 ? bytes.toString('latin1', 5, end) : addressIn(bytes.subarray(4, end))
  return { target: { host, port: bytes.readUInt16BE(end) }, style: 'socks', first: bytes.subarray(end + 2) }
}

const addressIn = (bytes: Buffer): string =>
  formatAddress(bytes.length === 4 ? bytes.readUInt32BE() : BigInt(`0x${bytes.toString('hex')}`))

function readHttp(bytes: Buffer): Request {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return bytes.length > LARGEST_REQUEST ? 'broken' : 'more'
  const [line = '', ...headers] = bytes.toString('latin1', 0, end).split('\r\n')
  const [, method = '', place = '', version = ''] = /^([!#-'*+.0-9A-Z^-z|~-]+) (\S+) (HTTP\/1\.[01])$/.exec(line) ?? []
  const behind = bytes.subarray(end + 4)
  if (method === 'CONNECT') {
    const target = readAuthority(place)
    return target ? { target, style: 'connect', first: behind } : 'broken'
  }
  const [, authority = '', path = ''] = /^http:\/\/([^/?#]+)([/?].*)?$/i.exec(place) ?? []
  const target = readAuthority(authority, 80)
  if (!target) return 'broken'
  const head = [`${method} ${path.startsWith('/') ? path : `/${path}`} ${version}`, ...headers.filter(isForHost)]
  // one request a connection: the next one could be meant for another host
  const text = [...head, 'Connection: close', '', ''].join('\r\n')
  return { target, style: 'plain', first: Buffer.concat([Buffer.from(text, 'latin1'), behind]) }
}

const isForHost = (header: string): boolean => !/^(proxy-[a-z-]+|connection|keep-alive)\s*:/i.test(header)

function readAuthority(text: string, usual?: number): Target | undefined {
  const [, plain, bracketed, port] = /^(?:([^\s:@[\]]+)|\[([\da-fA-F:.]+)\])(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = plain ?? bracketed
  const number = port === undefined ? usual : Number(port)
  return host === undefined || number === undefined || number < 1 || number > 65535 ? undefined : { host, port: number }
}

const statuses = { connected: '200 Connection established', refused: '403 Forbidden', failed: '502 Bad Gateway' }
const socksCodes = { connected: 0, refused: 2, failed: 4 }

/** What the client is told; for `plain`, nothing where the host itself will answer. */
export function proxyReply(style: 'socks' | 'connect' | 'plain', outcome: keyof typeof statuses, why = ''): Buffer {
  if (style === 'socks') return Buffer.from([5, socksCodes[outcome], 0, 1, 0, 0, 0, 0, 0, 0])
  if (outcome === 'connected') return Buffer.from(style === 'plain' ? '' : `HTTP/1.1 ${statuses.connected}\r\n\r\n`)
  const body = `usnea: ${why}\n`
  const head = ['Content-Type: text/plain', `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close']
  return Buffer.from([`HTTP/1.1 ${statuses[outcome]}`, ...head, '', body].join('\r\n'))
}
