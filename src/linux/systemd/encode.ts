/** JavaScript values as the bytes of D-Bus types. Pure. */
import { alignmentOf, singleType, typesOf, WireError } from './signature.ts'

/** A value that says its own type. */
export interface Variant {
  readonly signature: string
  readonly value: Value
}

/**
 * y n q i u h: number · x t: bigint · d: number · b: boolean · s o g: string · v: Variant
 * ay: Uint8Array · other arrays and structures: array · dictionaries: array of pairs
 */
export type Value = number | bigint | boolean | string | Uint8Array | Variant | readonly Value[]

export const variant = (signature: string, value: Value): Variant => ({ signature, value })

/** D-Bus Specification, "Marshaling": 64 MiB of array, 128 MiB of message. Nothing that we say comes near. */
const LARGEST = 1 << 20

/** Grows as it is written; every alignment counts from its start. */
export class Writer {
  #bytes = Buffer.alloc(256)
  #length = 0

  get length(): number {
    return this.#length
  }

  bytes(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length))
  }

  align(to: number): void {
    while (this.#length % to !== 0) this.#take(1)
  }

  /** Values in the order of the complete types of the signature. @throws WireError, RangeError */
  write(signature: string, values: readonly Value[]): this {
    const types = typesOf(signature)
    if (types.length !== values.length)
      throw new WireError(`"${signature}" has ${types.length} types and ${values.length} values`)
    for (const [i, type] of types.entries()) this.#one(type, values[i] as Value)
    return this
  }

  setUint32(at: number, value: number): void {
    this.#bytes.writeUInt32LE(value, at)
  }

  #take(size: number): number {
    const at = this.#length
    if (at + size > LARGEST) throw new WireError('a message is too large')
    while (at + size > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length)])
    this.#length += size
    return at
  }

  #one(type: string, value: Value): void {
    this.align(alignmentOf(type))
    const letter = type[0] ?? ''
    if (letter === 'a') this.#array(type.slice(1), value)
    else if (letter === '(' || letter === '{') {
      if (!Array.isArray(value)) throw new WireError(`a value for ${type} is no list`)
      this.write(type.slice(1, -1), value)
    } else if (letter === 'v') {
      const { signature, value: inner } = value as Variant
      this.#one('g', signature)
      this.#one(singleType(signature), inner)
    } else if ('sog'.includes(letter)) this.#text(letter, value)
    else this.#number(letter, value)
  }

  #array(element: string, value: Value): void {
    const lengthAt = this.#take(4)
    this.align(alignmentOf(element))
    const start = this.#length
    if (value instanceof Uint8Array) {
      if (element !== 'y') throw new WireError('bytes are given for an array of something else')
      const at = this.#take(value.length)
      this.#bytes.set(value, at)
    } else {
      if (!Array.isArray(value)) throw new WireError(`a value for a${element} is no list`)
      for (const one of value as readonly Value[]) this.#one(element, one)
    }
    this.setUint32(lengthAt, this.#length - start)
  }

  #text(letter: string, value: Value): void {
    if (typeof value !== 'string' || value.includes('\0')) throw new WireError('a text is none, or holds a NUL')
    const bytes = Buffer.from(value)
    if (letter === 'g') {
      typesOf(value)
      // What is taken may be a new buffer: first the place, then the bytes.
      const at = this.#take(1)
      this.#bytes.writeUInt8(bytes.length, at)
    } else this.setUint32(this.#take(4), bytes.length)
    const at = this.#take(bytes.length + 1)
    this.#bytes.set(bytes, at)
    this.#bytes[at + bytes.length] = 0
  }

  #number(letter: string, value: Value): void {
    if (letter === 'b') {
      if (typeof value !== 'boolean') throw new WireError('a boolean is none')
      this.setUint32(this.#take(4), value ? 1 : 0)
    } else if (letter === 'x' || letter === 't') {
      if (typeof value !== 'bigint') throw new WireError('a number of 64 bits is no bigint')
      const at = this.#take(8)
      if (letter === 'x') this.#bytes.writeBigInt64LE(value, at)
      else this.#bytes.writeBigUInt64LE(value, at)
    } else {
      if (typeof value !== 'number' || (letter !== 'd' && !Number.isInteger(value)))
        throw new WireError('a number is none')
      this.#small(letter, value)
    }
  }

  #small(letter: string, value: number): void {
    const at = this.#take(alignmentOf(letter))
    if (letter === 'd') this.#bytes.writeDoubleLE(value, at)
    else if (letter === 'y') this.#bytes.writeUInt8(value, at)
    else if (letter === 'n') this.#bytes.writeInt16LE(value, at)
    else if (letter === 'q') this.#bytes.writeUInt16LE(value, at)
    else if (letter === 'i') this.#bytes.writeInt32LE(value, at)
    else this.#bytes.writeUInt32LE(value, at)
  }
}
