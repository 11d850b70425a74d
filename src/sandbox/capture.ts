/** Reads a stream to its end as text, up to a bound. */
import type { Readable } from 'node:stream'

/** Settles at the end of the stream. What passes `limit` bytes is read and thrown away, so that the writer goes on. */
export function capture(stream: Readable | undefined, limit: number): Promise<string> {
  if (!stream) return Promise.resolve('')
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    stream.on('data', (chunk: Buffer) => {
      const room = limit - size
      if (room <= 0) return
      chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk)
      size += chunk.length
    })
    stream.on('error', () => {}) // close follows
    stream.on('close', () => resolve(withoutFinalNewline(Buffer.concat(chunks).toString())))
  })
}

const withoutFinalNewline = (text: string): string =>
  text.endsWith('\n') ? text.slice(0, text.endsWith('\r\n') ? -2 : -1) : text
