/** Writes a plan in the form that native/init/plan.c reads; the layout is described there. */

import { bytesOfText } from '../base/bytes.ts'
import type { Op } from '../kernel/plan.ts'
import { type ArgumentKind, opShapes, planSum } from '../kernel/plan-def.ts'

const HEADER = 24
const MAGIC = 'USNEAPL1'

/** Collects strings behind the ops; each is followed by a NUL that its length does not count. */
class Pool {
  readonly #chunks: Buffer[] = []
  #size: number
  readonly #known = new Map<string, readonly [number, number]>()

  constructor(start: number) {
    this.#size = start
  }

  get end(): number {
    return this.#size
  }

  #append(chunk: Buffer): number {
    const at = this.#size
    this.#chunks.push(chunk)
    this.#size += chunk.length
    return at
  }

  string(text: string): readonly [offset: number, length: number] {
    const known = this.#known.get(text)
    if (known) return known
    const bytes = bytesOfText(`${text}\0`)
    if (bytes.indexOf(0) !== bytes.length - 1) throw new TypeError('a string of a plan holds a NUL')
    const place = [this.#append(bytes), bytes.length - 1] as const
    this.#known.set(text, place)
    return place
  }

  list(items: readonly string[]): readonly [offset: number, count: number] {
    const places = items.map((item) => this.string(item))
    if (this.#size % 4 !== 0) this.#append(Buffer.alloc(4 - (this.#size % 4)))
    const table = Buffer.alloc(places.length * 8)
    places.forEach(([offset, length], i) => {
      table.writeUInt32LE(offset, i * 8)
      table.writeUInt32LE(length, i * 8 + 4)
    })
    return [this.#append(table), places.length]
  }

  copyTo(target: Buffer, at: number): void {
    for (const chunk of this.#chunks) {
      chunk.copy(target, at)
      at += chunk.length
    }
  }
}

function writeArgument(head: Buffer, at: number, { kind, value, pool }: Argument): void {
  if (kind === 'U64') {
    head.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value as number | bigint)), at)
    return
  }
  const [low, high] = kind === 'STR' ? pool.string(value as string) : pool.list(value as readonly string[])
  head.writeUInt32LE(low, at)
  head.writeUInt32LE(high, at + 4)
}

interface Argument {
  readonly kind: ArgumentKind
  readonly value: unknown
  readonly pool: Pool
}

/** The whole plan as bytes. Throws a TypeError when a string holds a NUL: `validate` refuses those before. */
export function encode(ops: readonly Op[]): Buffer {
  const size = ops.reduce((sum, op) => sum + 8 + 8 * opShapes[op.op].args.length, HEADER)
  const head = Buffer.alloc(size)
  const pool = new Pool(size)
  let at = HEADER
  for (const op of ops) {
    const { code, args } = opShapes[op.op]
    head.writeUInt32LE(code, at)
    head.writeUInt32LE(args.length, at + 4)
    at += 8
    for (const [name, kind] of args) {
      writeArgument(head, at, { kind, value: (op as unknown as Record<string, unknown>)[name], pool })
      at += 8
    }
  }
  head.write(MAGIC, 0, 'latin1')
  head.writeUInt32LE(planSum, 8)
  head.writeUInt32LE(pool.end, 12)
  head.writeUInt32LE(ops.length, 16)
  head.writeUInt32LE(size, 20)
  const whole = Buffer.alloc(pool.end)
  head.copy(whole)
  pool.copyTo(whole, size)
  return whole
}
