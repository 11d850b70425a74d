/** The words of the conversation between init and us, as bytes and back. */
import { RuntimeError } from '../base/errors.ts'
import type { Ended } from '../kernel/children.ts'
import { errnoName } from '../kernel/errno.ts'
import { messages } from '../kernel/plan-def.ts'

export type MessageName = keyof typeof messages

const names = new Map<number, MessageName>(
  Object.entries(messages).map(([name, number]) => [number, name as MessageName]),
)

export interface Frame {
  readonly message: MessageName
  readonly a: number
  readonly b: number
  readonly payload: Buffer
  /** The descriptor that came beside it: only with messages that carry one. */
  readonly fd?: number | undefined
}

/** Messages of init with one descriptor each. */
const carriers: ReadonlySet<MessageName> = new Set<MessageName>([
  'consoleOpened',
  'seccompLoaded',
  'treeHeld',
  'usernsHeld',
  'overlayRefused',
])

/** A failed op: its index in the plan (-1: the plan itself was refused), the errno, and init's own words. */
export interface Failure {
  readonly index: number
  readonly errno: string
  readonly detail: string
}

const HEADER = 16
/** Far more than init ever says. Whoever got hold of its end must not fill our memory. */
const LARGEST = 1 << 20

/** Of `exited`. */
export const endedOf = ({ a, b }: Frame): Ended =>
  b ? { exitCode: undefined, signal: b } : { exitCode: a, signal: undefined }

export function failureOf(frame: Frame): Failure {
  return { index: frame.a, errno: errnoName(frame.b), detail: frame.payload.toString() }
}

/** The frames in `bytes` and what is left of them. Shared by the sockets and by the fifo of `start`. */
export function parseFrames(bytes: Buffer): { frames: Frame[]; rest: Buffer } {
  const frames: Frame[] = []
  let at = 0
  while (bytes.length - at >= HEADER) {
    const size = bytes.readUInt32LE(at + 4)
    if (size > LARGEST) throw new RuntimeError('internal', { what: 'init sent a message that is too long' })
    if (bytes.length - at - HEADER < size) break
    const message = names.get(bytes.readUInt32LE(at))
    if (!message) throw new RuntimeError('internal', { what: 'init sent an unknown message' })
    const payload = bytes.subarray(at + HEADER, at + HEADER + size)
    frames.push({ message, a: bytes.readInt32LE(at + 8), b: bytes.readInt32LE(at + 12), payload })
    at += HEADER + size
  }
  return { frames, rest: bytes.subarray(at) }
}

export function frameBytes(message: MessageName, payload = '', a = 0, b = 0): Buffer {
  const body = Buffer.from(payload)
  const head = Buffer.alloc(HEADER)
  head.writeUInt32LE(messages[message], 0)
  head.writeUInt32LE(body.length, 4)
  head.writeInt32LE(a, 8)
  head.writeInt32LE(b, 12)
  return Buffer.concat([head, body])
}

/** Puts what comes out of the stream into the order in which it makes sense. */
export class FrameQueue {
  #rest: Buffer = Buffer.alloc(0)
  readonly #frames: Frame[] = []
  /** The new process may speak before the outer one has told its pid; such frames wait here. */
  #early: Frame[] = []
  #born = false
  #ended = false
  /** Came along and is not handed on yet, in order. */
  readonly #fds: number[] = []

  get isEnded(): boolean {
    return this.#ended
  }

  /** `fds`: what the kernel delivered with the chunk. A chunk ends with the message that carries one: unix(7). */
  push(chunk: Buffer, fds: readonly number[] = []): void {
    this.#fds.push(...fds)
    const { frames, rest } = parseFrames(this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk)
    this.#rest = rest
    for (const frame of frames) this.#sort(carriers.has(frame.message) ? { ...frame, fd: this.#fds.shift() } : frame)
  }

  #sort(frame: Frame): void {
    if (frame.message === 'pidBorn') {
      this.#born = true
      this.#frames.push(frame, ...this.#early)
      this.#early = []
    } else if (this.#born || frame.message === 'usernsMade') {
      this.#frames.push(frame)
    } else {
      this.#early.push(frame)
    }
  }

  end(): void {
    this.#ended = true
    this.#frames.push(...this.#early)
    this.#early = []
  }

  shift(): Frame | undefined {
    return this.#frames.shift()
  }

  /** The descriptors that nobody will ask for any more; the caller closes them. */
  abandonedFds(): readonly number[] {
    const unread = [...this.#frames.splice(0), ...this.#early.splice(0)].flatMap(({ fd }) => fd ?? [])
    return [...unread, ...this.#fds.splice(0)]
  }
}

/** Our side of a conversation, however it waits. */
export interface Conversation {
  /** The next frame, or undefined when init closed its end: it ran the program, or it died. */
  next(): Promise<Frame | undefined> | Frame | undefined
  say(message: MessageName, payload?: string): void
  /** Have we let go of it? */
  readonly isClosed: boolean
  /** Lets go of init. One that still sets up, or reaps for a sandbox, takes this as our death and ends. */
  close(): void
}
