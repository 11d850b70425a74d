/** The records of native/observe, read as they come. Pure; what is no record ends the reading. */

export type RecordKind = 'file' | 'network' | 'call' | 'process' | 'lost' | 'end'

/** struct record of native/observe/observe.h. */
export interface ObserverRecord {
  readonly kind: RecordKind
  /** Bits of `accesses`; of `lost` the number of a kind. */
  readonly access: number
  /** What the command gets: 0 is success; HIDDEN where it is denied and looks as if it were not. */
  readonly errno: number
  readonly pid: number
  readonly number: number
  /** linux/audit.h */
  readonly arch: number
  /** How often; more than 1 only in the record at the end. */
  readonly count: number
  /** Milliseconds since 1970. */
  readonly time: number
  /** The first two arguments. */
  readonly args: readonly [bigint, bigint]
  readonly command: string
  /** A path, or a port and an address. */
  readonly bytes: Buffer
}

export const HIDDEN = 0xffff_ffff

export const accesses = {
  read: 1,
  write: 2,
  execute: 4,
  make: 8,
  takeAway: 16,
  stat: 32,
  change: 64,
  connect: 128,
  bind: 256,
  send: 512,
  signal: 2048,
  search: 4096,
} as const

const kinds: readonly (RecordKind | undefined)[] = [undefined, 'file', 'network', 'call', 'process', 'lost', 'end']
const HEAD = 72
/** No Date is later. */
const LATEST = 8.64e15
/** PATH_MAX: nothing that the kernel takes is longer. */
const MOST_BYTES = 4096

export class RecordReader {
  #rest: Buffer = Buffer.alloc(0)
  /** Something came that is none of ours. */
  isBroken = false

  /** All that are whole by now. */
  read(chunk: Uint8Array): ObserverRecord[] {
    if (this.isBroken) return []
    let rest = Buffer.concat([this.#rest, chunk])
    const records: ObserverRecord[] = []
    while (rest.length >= HEAD) {
      const size = rest.readUInt32LE(0)
      const kind = kinds[rest.readUInt32LE(4)]
      if (kind === undefined || size > MOST_BYTES) {
        this.isBroken = true
        break
      }
      if (rest.length < HEAD + size) break
      records.push(recordOf(rest, kind, size))
      rest = rest.subarray(HEAD + size)
    }
    this.#rest = Buffer.from(rest)
    return records
  }
}

function recordOf(bytes: Buffer, kind: RecordKind, size: number): ObserverRecord {
  const word = (place: number) => bytes.readUInt32LE(4 * place)
  const command = bytes.subarray(56, HEAD)
  const end = command.indexOf(0)
  return {
    kind,
    access: word(2),
    errno: word(3),
    pid: word(4),
    number: word(5),
    arch: word(6),
    count: word(7),
    time: Math.min(Number(bytes.readBigUInt64LE(32)), LATEST),
    args: [bytes.readBigUInt64LE(40), bytes.readBigUInt64LE(48)],
    command: command.subarray(0, end < 0 ? undefined : end).toString('utf8'),
    bytes: Buffer.from(bytes.subarray(HEAD, HEAD + size)),
  }
}
