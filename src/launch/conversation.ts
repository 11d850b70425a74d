/** A conversation on the event loop: for programs that do other things meanwhile. */
import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { errnoOf } from '../base/errors.ts'
import { type Conversation, type Frame, FrameQueue, frameBytes, type MessageName } from './frames.ts'

export class SocketConversation implements Conversation {
  readonly #fd: number
  readonly #socket: Socket
  readonly #queue = new FrameQueue()
  #waiter: ((frame: Frame | undefined) => void) | undefined

  constructor(fd: number) {
    this.#fd = fd
    this.#socket = new Socket({ fd, readable: true, writable: true })
    this.#socket.on('data', (chunk: Buffer) => {
      this.#queue.push(chunk)
      this.#deliver()
    })
    const end = () => {
      this.#queue.end()
      this.#deliver()
    }
    this.#socket.on('close', end)
    this.#socket.on('end', end)
    this.#socket.on('error', end) // init is gone: the end of the stream says so too
  }

  #deliver(): void {
    if (!this.#waiter) return
    const frame = this.#queue.shift()
    if (!frame && !this.#queue.isEnded) return
    const waiter = this.#waiter
    this.#waiter = undefined
    waiter(frame)
  }

  next(): Promise<Frame | undefined> {
    return new Promise((resolve) => {
      this.#waiter = resolve
      this.#deliver()
    })
  }

  say(message: MessageName, payload = ''): void {
    this.#send(frameBytes(message, payload))
  }

  /** For a reaping init: hands the signal to its command, or to that one's process group, even when it is not there yet. */
  signal(signal: number, group = false): void {
    this.#send(frameBytes('signal', '', signal, group ? 1 : 0))
  }

  /**
   * Past the stream: one that fails to write is closed by Node at once, together with what init has said and we have not
   * read yet, such as how the command ended.
   */
  #send(bytes: Buffer): void {
    if (this.#socket.destroyed) return
    let sent = 0
    try {
      if (this.#socket.writableLength === 0) sent = writeSync(this.#fd, bytes)
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') return // init is gone, and its last words say more than this
    }
    if (sent < bytes.length) this.#socket.write(bytes.subarray(sent))
  }

  /** Our end is closed, and its number may be another's by now. */
  get isClosed(): boolean {
    return this.#socket.destroyed
  }

  /** Does an open conversation keep the program running? It does, unless told otherwise. */
  keepAlive(does: boolean): void {
    if (does) this.#socket.ref()
    else this.#socket.unref()
  }

  close(): void {
    this.#socket.destroy()
  }
}
