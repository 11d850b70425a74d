/** The observer of one command: started before it, heard to the end of it. */
import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import { RuntimeError } from '../../base/errors.ts'
import { observeAside } from '../../kernel/aside.ts'
import { errnoName } from '../../kernel/errno.ts'
import { fenceOf } from '../filter.ts'
import type { Policy } from '../policy.ts'
import { type ObserverRecord, RecordReader } from './record.ts'
import { observerWish } from './wish.ts'

/** When the command has ended it has only to write what it has counted. */
const PATIENCE_MS = 10_000

export class Observer {
  /** The end of the channel for init; closed by `release`. */
  readonly channel: number
  readonly #socket: Socket
  readonly #reader = new RecordReader()
  readonly #ended: Promise<void>
  #isWhole = false
  #isHalf = false

  /** @param hear must not throw. @throws RuntimeError `denials-unavailable` */
  constructor(policy: Policy, hear: (record: ObserverRecord) => void, learns = false) {
    const { program, architectures } = fenceOf(policy)
    const started = observeAside(observerWish(policy, { program, architectures, learns }))
    if (typeof started === 'number') throw new RuntimeError('denials-unavailable', { errno: errnoName(-started) })
    this.channel = started.channel
    this.#socket = new Socket({ fd: started.records, readable: true, writable: false })
    this.#socket.on('data', (chunk: Buffer) => {
      for (const record of this.#reader.read(chunk))
        if (record.kind === 'end') this.#isWhole = true
        else hear(record)
    })
    this.#socket.on('error', () => {}) // the end of the stream says so too
    this.#ended = new Promise((resolve) => this.#socket.on('close', () => resolve()))
  }

  /** init has its end now, or never will. */
  release(): void {
    if (this.#isHalf) return
    this.#isHalf = true
    closeSync(this.channel)
  }

  /** Settles when nothing more can come: true where all of it has come. */
  async whole(): Promise<boolean> {
    await this.#ended
    return this.#isWhole && !this.#reader.isBroken
  }

  /** The same, for when the command is gone: an observer that does not follow it is given up. */
  async finish(): Promise<boolean> {
    const timer = setTimeout(() => this.#socket.destroy(), PATIENCE_MS)
    try {
      return await this.whole()
    } finally {
      clearTimeout(timer)
    }
  }

  abandon(): void {
    this.release()
    this.#socket.destroy()
  }
}
