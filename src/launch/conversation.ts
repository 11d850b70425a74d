/** A conversation on the event loop: for programs that do other things meanwhile. */
import { Socket } from 'node:net'
import { type Conversation, type Frame, FrameQueue, frameBytes, type MessageName } from './frames.ts'

export class SocketConversation implements Conversation {
  readonly #socket: Socket
  readonly #queue = new FrameQueue()
  #waiter: ((frame: Frame | undefined) => void) | undefined

  constructor(fd: number) {
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
    this.#socket.write(frameBytes(message, payload))
  }

  /** For a reaping init: hands the signal to its command, or to that one's process group, even when it is not there yet. */
  signal(signal: number, group = false): void {
    if (!this.#socket.destroyed) this.#socket.write(frameBytes('signal', '', signal, group ? 1 : 0))
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
