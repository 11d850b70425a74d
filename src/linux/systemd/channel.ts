/** A unix socket to a D-Bus peer: lines while we introduce ourselves, messages afterwards, and never a wait without an end. */
import { connect, type Socket } from 'node:net'
import { errnoOf } from '../../base/errors.ts'
import { decodeMessage, type Message } from './message.ts'
import { WireError } from './signature.ts'

export type Trouble = 'unreachable' | 'refused' | 'closed' | 'silent' | 'garbage'

/** What went wrong between us and the peer, as opposed to what it answered. */
export class BusError extends Error {
  override readonly name = 'BusError'
  readonly trouble: Trouble
  readonly errno: string | undefined

  constructor(trouble: Trouble, message: string, cause?: unknown) {
    super(message, { cause })
    this.trouble = trouble
    this.errno = errnoOf(cause)
  }
}

/** D-Bus Specification, "Authentication Protocol": a line is short. What comes without an end is no line. */
const LONGEST_LINE = 16_384

export class Channel {
  readonly #socket: Socket
  #bytes = Buffer.alloc(0)
  #failure: BusError | undefined
  #wake: (() => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#wake?.()
    })
    socket.on('error', (cause) => this.#fail(new BusError('closed', `the connection broke: ${cause.message}`, cause)))
    socket.on('close', () => this.#fail(new BusError('closed', 'the connection was closed by the other side')))
  }

  /** `within`: milliseconds. @throws BusError */
  static connect(path: string, within: number): Promise<Channel> {
    return new Promise((resolve, reject) => {
      const socket = connect({ path })
      const fail = (error: BusError) => {
        clearTimeout(timer)
        socket.destroy()
        reject(error)
      }
      const timer = setTimeout(() => fail(new BusError('silent', `no answer within ${within / 1000} s`)), within)
      const onError = (cause: Error) => fail(new BusError('unreachable', cause.message, cause))
      socket.once('error', onError)
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.off('error', onError)
        resolve(new Channel(socket))
      })
    })
  }

  #fail(error: BusError): void {
    this.#failure ??= error
    this.#wake?.()
  }

  send(data: Buffer | string): void {
    if (this.#failure) throw this.#failure
    this.#socket.write(data)
  }

  /** Without its `\r\n`. `within`: milliseconds. @throws BusError */
  line(within: number): Promise<string> {
    return this.#next(within, () => {
      const end = this.#bytes.indexOf('\r\n')
      if (end < 0 && this.#bytes.length > LONGEST_LINE) throw new WireError('an endless line')
      if (end < 0) return undefined
      const line = this.#bytes.subarray(0, end).toString('latin1')
      this.#bytes = this.#bytes.subarray(end + 2)
      return line
    })
  }

  /** `within`: milliseconds. @throws BusError */
  message(within: number): Promise<Message> {
    return this.#next(within, () => {
      const found = decodeMessage(this.#bytes)
      if (found) this.#bytes = this.#bytes.subarray(found.length)
      return found?.message
    })
  }

  /** What came before a connection broke counts. */
  async #next<T>(within: number, take: () => T | undefined): Promise<T> {
    const deadline = performance.now() + within
    for (;;) {
      const found = this.#take(take)
      if (found !== undefined) return found
      if (this.#failure) throw this.#failure
      const left = deadline - performance.now()
      if (left <= 0) throw new BusError('silent', `no answer within ${within / 1000} s`)
      await this.#more(left)
    }
  }

  #take<T>(take: () => T | undefined): T | undefined {
    try {
      return take()
    } catch (error) {
      if (error instanceof WireError)
        throw new BusError('garbage', `what it said is not D-Bus: ${error.message}`, error)
      throw error
    }
  }

  #more(left: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
      const timer = setTimeout(done, left)
      this.#wake = done
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}
