/** The caller's side of ttrpc on a unix socket. Calls may overlap; answers find their callers by the number of the stream. */
import { connect, type Socket } from 'node:net'
import { type Peer, peerOf } from '../../kernel/peer.ts'
import type { GivenOf, Message, MessageOf } from '../protobuf/message.ts'
import { CallError, codeName, codes, request, response } from './call.ts'
import { encodeFrame, type Frame, FrameReader, frameTypes } from './frame.ts'

export interface CallOptions {
  /** Milliseconds until the call fails with `deadlineExceeded`; for ever when absent. */
  readonly timeout?: number
  readonly signal?: AbortSignal
}

interface Waiting {
  readonly answer: (data: Uint8Array) => void
  readonly fail: (error: CallError) => void
}

// biome-ignore lint/suspicious/noExplicitAny: the fields are inferred by the callers.
type AnyMessage = Message<any>

export interface Method<Q extends AnyMessage, A extends AnyMessage> {
  readonly service: string
  readonly name: string
  readonly request: Q
  readonly response: A
}

export class TtrpcClient {
  readonly #socket: Socket
  readonly #reader = new FrameReader()
  readonly #waiting = new Map<number, Waiting>()
  #next = 1
  #lost: CallError | undefined
  /** Settles when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>

  private constructor(socket: Socket) {
    this.#socket = socket
    let end: () => void = () => {}
    this.closed = new Promise((resolve) => {
      end = resolve
    })
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (cause) => this.#lose(cause.message, cause))
    socket.on('close', () => {
      this.#lose('the connection is closed')
      end()
    })
  }

  /** @throws CallError `unavailable`, with the system error as its cause */
  static connect(path: string, timeout = 5000): Promise<TtrpcClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(path)
      const giveUp = (why: string, cause?: unknown) => {
        clearTimeout(timer)
        socket.destroy()
        reject(new CallError('unavailable', `cannot connect to ${path}: ${why}`, { cause }))
      }
      const timer = setTimeout(() => giveUp(`no answer in ${timeout} ms`), timeout)
      socket.once('error', (cause) => giveUp(cause.message, cause))
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.removeAllListeners('error')
        resolve(new TtrpcClient(socket))
      })
    })
  }

  /** @throws CallError */
  async call<Q extends AnyMessage, A extends AnyMessage>(
    { service, name, request: question, response: reply }: Method<Q, A>,
    value: GivenOf<Q>,
    options: CallOptions = {},
  ): Promise<MessageOf<A>> {
    const timeoutNano = options.timeout === undefined ? 0 : options.timeout * 1e6
    const payload = question.encode(value as never)
    const data = request.encode({ service, method: name, payload, timeoutNano })
    const answer = await this.#exchange(data, name, options)
    try {
      const { status, payload } = response.decode(answer)
      if (status !== undefined && status.code !== codes.ok) throw new CallError(codeName(status.code), status.message)
      return reply.decode(payload) as MessageOf<A>
    } catch (cause) {
      if (cause instanceof CallError) throw cause
      throw new CallError('dataLoss', `the answer to ${name} cannot be read: ${(cause as Error).message}`, { cause })
    }
  }

  /** Who listens there; undefined when the connection is gone. */
  get peer(): Peer | undefined {
    return peerOf(this.#socket)
  }

  /** Calls that wait fail with `unavailable`. */
  close(): void {
    this.#lose('we closed the connection')
    this.#socket.destroy()
  }

  /** The process goes on although this connection is open: for one that only waits. */
  unref(): void {
    this.#socket.unref()
  }

  #exchange(data: Uint8Array, name: string, { timeout, signal }: CallOptions): Promise<Uint8Array> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost)
    const stream = this.#next
    // Odd numbers only, and never one twice: a connection that used them all up is over.
    this.#next += 2
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const settle = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        this.#waiting.delete(stream)
      }
      const fail = (error: CallError) => {
        settle()
        reject(error)
      }
      const abort = () => fail(new CallError('cancelled', `${name} was given up`))
      const answer = (bytes: Uint8Array) => {
        settle()
        resolve(bytes)
      }
      if (signal?.aborted) return abort()
      if (timeout !== undefined)
        timer = setTimeout(
          () => fail(new CallError('deadlineExceeded', `${name} was not answered in ${timeout} ms`)),
          timeout,
        )
      signal?.addEventListener('abort', abort)
      this.#waiting.set(stream, { answer, fail })
      try {
        this.#socket.write(encodeFrame({ stream, type: frameTypes.request, flags: 0, data }))
      } catch (cause) {
        fail(new CallError('resourceExhausted', (cause as Error).message, { cause }))
      }
    })
  }

  #receive(chunk: Uint8Array): void {
    try {
      this.#reader.push(chunk)
      for (let frame = this.#reader.shift(); frame !== undefined; frame = this.#reader.shift()) this.#take(frame)
    } catch (cause) {
      this.#lose((cause as Error).message, cause)
      this.#socket.destroy()
    }
  }

  /** Answers to calls that were given up come late and are nobody's. */
  #take({ stream, type, data }: Frame): void {
    const waiting = this.#waiting.get(stream)
    if (waiting === undefined) return
    if (type === frameTypes.response) waiting.answer(data)
    else waiting.fail(new CallError('internal', `a frame of type ${type} where an answer belongs`))
  }

  #lose(why: string, cause?: unknown): void {
    if (this.#lost !== undefined) return
    this.#lost = new CallError('unavailable', why, { cause })
    for (const { fail } of [...this.#waiting.values()]) fail(this.#lost)
  }
}
