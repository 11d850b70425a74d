/** A conversation that blocks: for the command line, where loading node:net costs more than everything init does. */

import { closeSync } from 'node:fs'
import { elapsed } from '../base/clock.ts'
import { writeAll } from '../base/files.ts'
import { receiveMessage } from '../kernel/fdpass.ts'
import { assertNotInterrupted } from '../kernel/interruption.ts'
import { native } from '../kernel/native.ts'
import { type Conversation, type Frame, FrameQueue, frameBytes, type MessageName } from './frames.ts'

export class BlockingConversation implements Conversation {
  readonly fd: number
  readonly #queue = new FrameQueue()
  readonly #buffer = Buffer.alloc(4096)
  #isOpen = true

  constructor(fd: number) {
    this.fd = fd
  }

  get isClosed(): boolean {
    return !this.#isOpen
  }

  /** @throws RuntimeError `interrupted` */
  next(): Frame | undefined {
    return this.nextWithin(-1)
  }

  /** Like `next`, and `'timeout'` after so many milliseconds; -1 waits for ever. */
  nextWithin(timeoutMs: -1): Frame | undefined
  nextWithin(timeoutMs: number): Frame | undefined | 'timeout'
  nextWithin(timeoutMs: number): Frame | undefined | 'timeout' {
    const deadline = elapsed() + timeoutMs
    for (;;) {
      const frame = this.#queue.shift()
      if (frame || this.#queue.isEnded || !this.#isOpen) return frame
      if (timeoutMs >= 0) {
        const left = Math.max(0, Math.ceil(deadline - elapsed()))
        if (native().waitReadable(this.fd, left) === 0) return 'timeout'
      } else if (native().waitUninterrupted(this.fd) === 0) assertNotInterrupted()
      this.#read()
    }
  }

  #read(): void {
    const got = receiveMessage(this.fd, this.#buffer)
    // ECONNRESET: init died with something of ours unread, which is an end like any other
    if ('refused' in got || got.size === 0) this.#queue.end()
    else this.#queue.push(Buffer.from(this.#buffer.subarray(0, got.size)), got.fds)
  }

  say(message: MessageName, payload = ''): void {
    try {
      writeAll(this.fd, frameBytes(message, payload))
    } catch {
      // init is gone: the next read says so
    }
  }

  /** As that of the other kind of conversation. */
  signal(signal: number): void {
    try {
      writeAll(this.fd, frameBytes('signal', '', signal))
    } catch {
      // init is gone: the next read says so
    }
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    for (const fd of [this.fd, ...this.#queue.abandonedFds()]) closeSync(fd)
  }
}
