/** Frames of ttrpc: ten bytes of header, then the message. Pure; numbers are those of containerd/ttrpc's PROTOCOL.md. */

/** Longer messages are refused by every implementation. */
export const LARGEST_MESSAGE = 4 << 20
const HEADER = 10

export const frameTypes = { request: 1, response: 2, data: 3 } as const
export const frameFlags = { remoteClosed: 1, remoteOpen: 2, noData: 4 } as const

export interface Frame {
  /** Odd for what a client began. */
  readonly stream: number
  /** A value of `frameTypes`, or one that nobody knows. */
  readonly type: number
  readonly flags: number
  readonly data: Uint8Array
}

/** The other side does not speak ttrpc. Nothing after it can be understood. */
export class FrameError extends Error {
  constructor(why: string) {
    super(`not ttrpc: ${why}`)
    this.name = 'FrameError'
  }
}

/** @throws FrameError for a message that is too long */
export function encodeFrame({ stream, type, flags, data }: Frame): Uint8Array {
  if (data.length > LARGEST_MESSAGE)
    throw new FrameError(`a message of ${data.length} bytes; ${LARGEST_MESSAGE} at most`)
  const bytes = new Uint8Array(HEADER + data.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, data.length)
  view.setUint32(4, stream)
  view.setUint8(8, type)
  view.setUint8(9, flags)
  bytes.set(data, HEADER)
  return bytes
}

/** Bytes as they come, frames as they are complete. What waits is never more than one frame and one chunk. */
export class FrameReader {
  #chunks: Uint8Array[] = []
  #size = 0

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  /** Is there a part of a frame? */
  get isInside(): boolean {
    return this.#size > 0
  }

  /** The next frame, or undefined while it is not all there. @throws FrameError */
  shift(): Frame | undefined {
    if (this.#size < HEADER) return undefined
    const head = this.#join(HEADER)
    const view = new DataView(head.buffer, head.byteOffset, HEADER)
    const length = view.getUint32(0)
    if (length > LARGEST_MESSAGE) throw new FrameError(`it announces a message of ${length} bytes`)
    if (this.#size < HEADER + length) return undefined
    const frame = this.#join(HEADER + length)
    this.#drop(HEADER + length)
    return {
      stream: view.getUint32(4),
      type: view.getUint8(8),
      flags: view.getUint8(9),
      data: frame.subarray(HEADER, HEADER + length),
    }
  }

  /** The first chunk, with at least so many bytes in it. A frame in a thousand pieces is put together once. */
  #join(size: number): Uint8Array {
    const first = this.#chunks[0] as Uint8Array
    if (first.length >= size) return first
    const whole = new Uint8Array(this.#size)
    let at = 0
    for (const chunk of this.#chunks) {
      whole.set(chunk, at)
      at += chunk.length
    }
    this.#chunks = [whole]
    return whole
  }

  #drop(size: number): void {
    const first = this.#chunks[0] as Uint8Array
    this.#size -= size
    if (first.length === size) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(size)
  }
}
