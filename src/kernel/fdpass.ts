/** One message with descriptors to a unix stream socket that somebody named: terminals, pidfds, seccomp listeners. */
import { closeSync } from 'node:fs'
import { errnoName } from './errno.ts'
import { native } from './native.ts'

/** The kernel's refusal, symbolic, such as `ECONNREFUSED`; `ETIMEDOUT` when the other side takes nothing in time. */
export interface Refused {
  readonly refused: string
}

/** Long enough for a busy machine; a listener that never accepts must not hold us for ever. */
const PATIENCE_MS = 10_000

/** A connected socket, which the caller closes. `ENOTSOCK` when the path is something else. */
export function connectUnix(path: string): number | Refused {
  const fd = native().connect(path, PATIENCE_MS)
  return fd < 0 ? { refused: errnoName(-fd) } : fd
}

/** Exactly one message; the descriptors stay ours too. `message` is not empty. */
export function sendMessage(socket: number, message: string | Uint8Array, fds: readonly number[]): Refused | undefined {
  const data = typeof message === 'string' ? Buffer.from(message) : message
  const got = native().send(socket, data, data.length, Int32Array.from(fds), fds.length)
  return got < 0 ? { refused: errnoName(-got) } : undefined
}

export interface Received {
  /** 0 is the end of the stream. */
  readonly size: number
  /** Close-on-exec, and the caller's to close. */
  readonly fds: readonly number[]
}

/** At most this many come with one message. */
const MOST_FDS = 16
const fds = new Int32Array(MOST_FDS)

/** Blocks for what there is, into `buffer`. */
export function receiveMessage(socket: number, buffer: Uint8Array): Received | Refused {
  const size = native().receive(socket, buffer, buffer.length, fds, MOST_FDS)
  if (size < 0) return { refused: errnoName(-size) }
  return { size, fds: [...fds].filter((fd) => fd >= 0) }
}

/** Connects, sends, and closes its own end again. */
export function sendTo(path: string, text: string, fds: readonly number[]): Refused | undefined {
  const socket = connectUnix(path)
  if (typeof socket !== 'number') return socket
  try {
    return sendMessage(socket, text, fds)
  } finally {
    closeSync(socket)
  }
}
