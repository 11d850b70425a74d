/** Reads a stream to its end, up to a bound. */
import type { Readable } from 'node:stream'

export interface Captured {
  readonly bytes: Buffer
  /** More came than was kept. */
  readonly isCut: boolean
}

/** Settles at the end of the stream. What passes `limit` bytes is read and thrown away, so that the writer goes on. */
export function capture(stream: Readable | undefined, limit: number): Promise<Captured> {
  if (!stream) return Promise.resolve({ bytes: Buffer.alloc(0), isCut: false })
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    stream.on('data', (chunk: Buffer) => {
      const room = Math.max(0, limit - size)
      size += chunk.length
      if (room > 0) chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk)
    })
    stream.on('error', () => {}) // close follows
    stream.on('close', () => resolve({ bytes: Buffer.concat(chunks), isCut: size > limit }))
  })
}

export const withoutFinalNewline = (text: string): string =>
  text.endsWith('\n') ? text.slice(0, text.endsWith('\r\n') ? -2 : -1) : text
