/** What a command reads and writes, from and to the shapes that programs have. */
import type { Readable, Writable } from 'node:stream'
import { Readable as Streams } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { StringDecoder } from 'node:string_decoder'
import type { Input } from './call.ts'
import { wrong } from './option-values.ts'

/**
 * Hands all of it to the command, as fast as it reads. Settles when it is out, or when the command reads no more.
 * @throws what the source fails with
 */
export async function feed(stdin: Writable, input: Input): Promise<void> {
  if (typeof input === 'string' || input instanceof Uint8Array) {
    stdin.end(input)
    return
  }
  // Either end may be destroyed with the error of the other (the source since Node 22), and tells it later.
  let failed: 'source' | 'command' | undefined
  const source = streamOf(input).on('error', () => {
    failed ??= 'source'
  })
  stdin.on('error', () => {
    failed ??= 'command'
  })
  try {
    await pipeline(source, stdin)
  } catch (error) {
    // The command need not read to the end: then it is the writing that fails.
    if (failed === 'source') throw error
  }
}

export function checkInput(input: Input): Input {
  if (typeof input === 'string' || input instanceof Uint8Array) return input
  if (typeof input === 'object' && input !== null && Symbol.asyncIterator in input) return input
  throw wrong('input', 'a text, bytes or a stream is expected')
}

/** An iterable gives what it has piece by piece; a stream of objects would not do. */
const streamOf = (input: Exclude<Input, string | Uint8Array>): Readable =>
  input instanceof Streams ? input : Streams.from(input as AsyncIterable<string | Uint8Array>, { objectMode: false })

/**
 * The lines of a stream, which is read only as fast as they are taken. A line may end with \r\n.
 * @throws RangeError for one of more than `longest` characters
 */
export async function* readLines(
  stream: Readable | undefined,
  longest = Number.POSITIVE_INFINITY,
): AsyncGenerator<string> {
  if (stream === undefined) return
  const decoder = new StringDecoder('utf8')
  let begun = ''
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const lines = decoder.write(chunk).split('\n')
    lines[0] = begun + (lines[0] ?? '')
    begun = lines.pop() ?? ''
    if (begun.length > longest) throw new RangeError(`a line of more than ${longest} characters`)
    yield* lines.map(withoutReturn)
  }
  begun += decoder.end()
  if (begun !== '') yield withoutReturn(begun)
}

const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line)
