/** The little of DNS that a filter needs: one question, and answers of addresses. Pure. RFC 1035 §4, RFC 3596, RFC 6891 §6.1 */
import type { Address } from './addresses.ts'

export interface Question {
  readonly id: number
  /** Lower case, without a final dot. */
  readonly name: string
  readonly type: number
  /** Recursion desired, copied into the answer. */
  readonly wantsRecursion: boolean
  readonly hasEdns: boolean
  /** The question as it came: the case of its letters is repeated, which some resolvers check. */
  readonly raw: Buffer
}

export const TYPE_A = 1
export const TYPE_AAAA = 28
export const NOERROR = 0
export const FORMERR = 1
export const SERVFAIL = 2
export const NXDOMAIN = 3
export const NOTIMP = 4
export const REFUSED = 5

const HEADER = 12
const CLASS_IN = 1
const TYPE_OPT = 41

/** Undefined: not to be answered at all. A number: the id of what is to be answered with FORMERR or NOTIMP. */
export type Read = Question | { readonly id: number; readonly refuse: number } | undefined

export function readQuestion(bytes: Buffer): Read {
  if (bytes.length < HEADER || bytes.readUInt16BE(2) & 0x8000) return undefined
  const id = bytes.readUInt16BE(0)
  const flags = bytes.readUInt16BE(2)
  if ((flags >> 11) & 15) return { id, refuse: NOTIMP }
  if (bytes.readUInt16BE(4) !== 1 || bytes.readUInt16BE(6) !== 0) return { id, refuse: FORMERR }
  const name = readName(bytes)
  if (!name || bytes.length < name.end + 4) return { id, refuse: FORMERR }
  if (bytes.readUInt16BE(name.end + 2) !== CLASS_IN) return { id, refuse: NOTIMP }
  const end = name.end + 4
  // the root as its name, then the type: the only additional record that we answer to
  const hasEdns = bytes.length >= end + 11 && bytes[end] === 0 && bytes.readUInt16BE(end + 1) === TYPE_OPT
  return {
    id,
    name: name.text,
    type: bytes.readUInt16BE(name.end),
    wantsRecursion: (flags & 0x0100) !== 0,
    hasEdns,
    raw: bytes.subarray(HEADER, end),
  }
}

/** A question is never compressed. Labels with a dot or bytes beyond printable ASCII are no names of hosts. */
function readName(bytes: Buffer): { text: string; end: number } | undefined {
  const labels: string[] = []
  let at = HEADER
  for (;;) {
    const size = bytes[at]
    if (size === undefined || size > 63 || at - HEADER > 254) return undefined
    at += 1
    if (size === 0) return { text: labels.join('.').toLowerCase(), end: at }
    const label = bytes.subarray(at, at + size).toString('latin1')
    if (label.length < size || !/^[\x21-\x2d\x2f-\x7e]+$/.test(label)) return undefined
    labels.push(label)
    at += size
  }
}

export interface Answer {
  readonly code: number
  /** Of one family. */
  readonly addresses?: readonly Address[]
  readonly ttl?: number
  /** Longest message; what is longer is cut off and marked, so that the client comes again over TCP. */
  readonly room: number
}

const OPT = Buffer.from([0, 0, TYPE_OPT, 0x04, 0xd0, 0, 0, 0, 0, 0, 0])

export function writeAnswer(question: Question, { code, addresses = [], ttl = 0, room }: Answer): Buffer {
  const opt = question.hasEdns ? OPT : Buffer.alloc(0)
  const size = typeof addresses[0] === 'bigint' ? 28 : 16
  const fitting = Math.max(0, Math.floor((room - HEADER - question.raw.length - opt.length) / size))
  const kept = addresses.slice(0, fitting)
  const isCut = kept.length < addresses.length
  const records = kept.map((address) => writeRecord(address, ttl))
  const counts = [1, kept.length, 0, question.hasEdns ? 1 : 0]
  const flags = 0x8080 | (question.wantsRecursion ? 0x0100 : 0) | (isCut ? 0x0200 : 0) | code
  return Buffer.concat([header(question.id, flags, counts), question.raw, ...records, opt])
}

function writeRecord(address: Address, ttl: number): Buffer {
  const bytes = bytesOf(address)
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0) // the name of the question
  head.writeUInt16BE(typeof address === 'number' ? TYPE_A : TYPE_AAAA, 2)
  head.writeUInt16BE(CLASS_IN, 4)
  head.writeUInt32BE(ttl, 6)
  head.writeUInt16BE(bytes.length, 10)
  return Buffer.concat([head, bytes])
}

function bytesOf(address: Address): Buffer {
  const isIpv4 = typeof address === 'number'
  return Buffer.from(address.toString(16).padStart(isIpv4 ? 8 : 32, '0'), 'hex')
}

export function writeRefusal(id: number, code: number): Buffer {
  return header(id, 0x8080 | code, [0, 0, 0, 0])
}

function header(id: number, flags: number, counts: readonly number[]): Buffer {
  const bytes = Buffer.alloc(HEADER)
  for (const [i, value] of [id, flags, ...counts].entries()) bytes.writeUInt16BE(value, i * 2)
  return bytes
}
