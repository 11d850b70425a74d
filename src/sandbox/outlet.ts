/** What a shell writes, cut into what belongs to each script by words that nobody else knows. */
import type { Readable } from 'node:stream'

export interface Cut {
  readonly bytes: Buffer
  /** More came than was kept. */
  readonly isCut: boolean
  /** The stream ended before the word came. */
  readonly isOver: boolean
}

/** Kept of what is written while no script runs, by what earlier ones left in the background. */
const MOST_IDLE = 1 << 20

export class Outlet {
  /** Not looked through yet, or the beginning of a word. */
  #pending: Buffer = Buffer.alloc(0)
  #kept: Buffer[] = []
  #size = 0
  #limit = MOST_IDLE
  #word: Buffer | undefined
  #settle: ((cut: Cut) => void) | undefined
  #isOver = false

  constructor(stream: Readable) {
    stream.on('data', (chunk: Buffer) => {
      this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
      this.#look()
    })
    stream.on('error', () => {}) // close follows
    stream.on('close', () => {
      this.#isOver = true
      this.#look()
    })
  }

  /** Settles with what came before the word, of which `limit` bytes are kept. */
  until(word: string, limit: number): Promise<Cut> {
    this.#word = Buffer.from(word)
    this.#limit = limit
    return new Promise((settle) => {
      this.#settle = settle
      this.#look()
    })
  }

  #look(): void {
    const word = this.#word
    const at = word === undefined ? -1 : this.#pending.indexOf(word)
    if (word !== undefined && at >= 0) {
      this.#keep(this.#pending.subarray(0, at))
      this.#pending = this.#pending.subarray(at + word.length)
      this.#deliver(false)
    } else if (this.#isOver) {
      this.#keep(this.#pending)
      this.#pending = Buffer.alloc(0)
      this.#deliver(true)
    } else {
      const tail = Math.min(this.#pending.length, word === undefined ? 0 : word.length - 1)
      this.#keep(this.#pending.subarray(0, this.#pending.length - tail))
      this.#pending = Buffer.from(this.#pending.subarray(this.#pending.length - tail))
    }
  }

  #keep(bytes: Buffer): void {
    const room = Math.max(0, this.#limit - this.#size)
    this.#size += bytes.length
    if (room > 0 && bytes.length > 0) this.#kept.push(bytes.subarray(0, room))
  }

  #deliver(isOver: boolean): void {
    if (this.#settle === undefined) return
    const cut = { bytes: Buffer.concat(this.#kept), isCut: this.#size > this.#limit, isOver }
    const settle = this.#settle
    this.#kept = []
    this.#size = 0
    this.#limit = MOST_IDLE
    this.#word = undefined
    this.#settle = undefined
    settle(cut)
  }
}
