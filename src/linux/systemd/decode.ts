/** The bytes of D-Bus types as JavaScript values. Pure, and safe with whatever comes. */
import type { Value } from './encode.ts'
import { alignmentOf, singleType, typesOf, WireError } from './signature.ts'

/** D-Bus Specification, "Marshaling": an array may have 64 MiB, containers of all kinds 64 levels. */
const LONGEST_ARRAY = 1 << 26
const DEEPEST = 64

/** @throws WireError for whatever is not as the specification has it */
export class Reader {
  readonly #bytes: Buffer
  readonly #little: boolean
  #at: number
  readonly #end: number

  constructor(bytes: Buffer, options: { little: boolean; at?: number; end?: number }) {
    this.#bytes = bytes
    this.#little = options.little
    this.#at = options.at ?? 0
    this.#end = options.end ?? bytes.length
  }

  get at(): number {
    return this.#at
  }

  read(signature: string): Value[] {
    return typesOf(signature).map((type) => this.#one(type, 0))
  }

  /** What is skipped must be zero. */
  align(to: number): void {
    while (this.#at % to !== 0) if (this.#bytes[this.#take(1)] !== 0) throw new WireError('padding is not zero')
  }

  #take(size: number): number {
    const at = this.#at
    if (at + size > this.#end) throw new WireError('a message ends too early')
    this.#at += size
    return at
  }

  #uint32(): number {
    const at = this.#take(4)
    return this.#little ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32BE(at)
  }

  #one(type: string, depth: number): Value {
    if (depth > DEEPEST) throw new WireError('a message is too deep')
    this.align(alignmentOf(type))
    const letter = type[0] ?? ''
    if (letter === 'a') return this.#array(type.slice(1), depth)
    if (letter === '(' || letter === '{') return typesOf(type.slice(1, -1)).map((inner) => this.#one(inner, depth + 1))
    if (letter === 'v') {
      const signature = singleType(this.#text(this.#bytes[this.#take(1)] ?? 0))
      return { signature, value: this.#one(signature, depth + 1) }
    }
    if (letter === 'g') return this.#signature()
    if (letter === 's' || letter === 'o') return this.#text(this.#uint32())
    return this.#number(letter)
  }

  #array(element: string, depth: number): Value {
    const length = this.#uint32()
    if (length > LONGEST_ARRAY) throw new WireError('an array is too long')
    this.align(alignmentOf(element))
    if (element === 'y') {
      const at = this.#take(length)
      return new Uint8Array(this.#bytes.subarray(at, at + length))
    }
    const end = this.#at + length
    if (end > this.#end) throw new WireError('a message ends too early')
    const values: Value[] = []
    while (this.#at < end) values.push(this.#one(element, depth + 1))
    if (this.#at !== end) throw new WireError('an array ends within an element')
    return values
  }

  #signature(): string {
    const text = this.#text(this.#bytes[this.#take(1)] ?? 0)
    typesOf(text)
    return text
  }

  #text(length: number): string {
    const at = this.#take(length)
    const text = this.#bytes.subarray(at, at + length)
    if (text.includes(0) || this.#bytes[this.#take(1)] !== 0) throw new WireError('a text does not end where it should')
    return text.toString()
  }

  #number(letter: string): Value {
    const [bytes, little] = [this.#bytes, this.#little]
    if (letter === 'b') {
      const value = this.#uint32()
      if (value > 1) throw new WireError('a boolean is neither 0 nor 1')
      return value === 1
    }
    if (letter === 'u' || letter === 'h') return this.#uint32()
    const at = this.#take(alignmentOf(letter))
    if (letter === 'y') return bytes.readUInt8(at)
    if (letter === 'n') return little ? bytes.readInt16LE(at) : bytes.readInt16BE(at)
    if (letter === 'q') return little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)
    if (letter === 'i') return little ? bytes.readInt32LE(at) : bytes.readInt32BE(at)
    if (letter === 'x') return little ? bytes.readBigInt64LE(at) : bytes.readBigInt64BE(at)
    if (letter === 't') return little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at)
    return little ? bytes.readDoubleLE(at) : bytes.readDoubleBE(at)
  }
}
