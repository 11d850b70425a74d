/** The answering side of ttrpc: a table of services on connections that somebody else accepted. */
import type { Socket } from 'node:net'
import type { GivenOf, Message, MessageOf } from '../protobuf/message.ts'
import { CallError, codes, request, response } from './call.ts'
import { encodeFrame, type Frame, FrameError, FrameReader, frameFlags, frameTypes } from './frame.ts'

/** Bytes to bytes; `gone` says that nobody waits for the answer any more. What is thrown is the answer: a CallError with its code, anything else as `unknown`. */
export type Handler = (payload: Uint8Array, gone: AbortSignal) => Promise<Uint8Array>
export type Services = Readonly<Record<string, Readonly<Record<string, Handler>>>>

/** With more calls than this unanswered, a connection is not read on. */
const MOST_CALLS = 64

// biome-ignore lint/suspicious/noExplicitAny: the fields are inferred by the callers.
export function handler<Q extends Message<any>, A extends Message<any>>(
  question: Q,
  reply: A,
  answer: (value: MessageOf<Q>, gone: AbortSignal) => Promise<GivenOf<A>>,
): Handler {
  return async (payload, gone) => {
    let value: MessageOf<Q>
    try {
      value = question.decode(payload) as MessageOf<Q>
    } catch (cause) {
      throw new CallError('invalidArgument', (cause as Error).message, { cause })
    }
    return reply.encode((await answer(value, gone)) as never)
  }
}

/**
 * Answers calls until the connection ends. Calls begin in the order in which they came, so a handler that does its work
 * before its first await keeps that order. A peer that does not speak ttrpc is cut off, and only it.
 */
export function serveTtrpc(socket: Socket, services: Services): void {
  const ended = new AbortController()
  const connection = { socket, services, reader: new FrameReader(), gone: ended.signal, open: 0, last: 0 }
  socket.once('close', () => ended.abort())
  socket.on('data', (chunk) => receive(connection, chunk))
  // The close that follows says all.
  socket.on('error', () => {})
}

interface Connection {
  readonly socket: Socket
  readonly services: Services
  readonly reader: FrameReader
  readonly gone: AbortSignal
  open: number
  last: number
}

function receive(connection: Connection, chunk: Uint8Array): void {
  connection.reader.push(chunk)
  advance(connection)
}

function advance(connection: Connection): void {
  const { reader, socket } = connection
  try {
    while (connection.open < MOST_CALLS) {
      const frame = reader.shift()
      if (frame === undefined) break
      take(connection, frame)
    }
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    socket.destroy()
    return
  }
  if (connection.open >= MOST_CALLS) socket.pause()
  else socket.resume()
}

function take(connection: Connection, frame: Frame): void {
  const refused = refusalOf(connection, frame)
  if (refused !== undefined) {
    send(connection, frame.stream, { error: refused })
    return
  }
  connection.last = frame.stream
  connection.open++
  answer(connection, frame.data)
    .then(
      (payload) => send(connection, frame.stream, { payload }),
      (error: unknown) => send(connection, frame.stream, { error }),
    )
    .finally(() => {
      connection.open--
      advance(connection)
    })
}

function refusalOf({ last }: Connection, { stream, type, flags }: Frame): CallError | undefined {
  if (stream % 2 !== 1) return new CallError('invalidArgument', 'StreamID must be odd for client initiated streams')
  if (type !== frameTypes.request)
    return new CallError('invalidArgument', `a frame of type ${type} where a request belongs`)
  if (stream <= last) return new CallError('invalidArgument', 'StreamID cannot be re-used and must increment')
  if ((flags & frameFlags.remoteOpen) !== 0) return new CallError('unimplemented', 'streams of requests are not served')
  return undefined
}

async function answer({ services, gone }: Connection, data: Uint8Array): Promise<Uint8Array> {
  let call: MessageOf<typeof request>
  try {
    call = request.decode(data)
  } catch (cause) {
    throw new CallError('invalidArgument', (cause as Error).message, { cause })
  }
  const { service, method, payload } = call
  const found = Object.hasOwn(services, service) ? services[service] : undefined
  const handle = found && Object.hasOwn(found, method) ? found[method] : undefined
  if (handle === undefined) throw new CallError('unimplemented', `service ${service} has no method ${method}`)
  return handle(payload, gone)
}

function send({ socket }: Connection, stream: number, result: Result): void {
  if (socket.destroyed || !socket.writable) return
  const encode = (data: Uint8Array) => encodeFrame({ stream, type: frameTypes.response, flags: 0, data })
  try {
    socket.write(encode(encodeResult(result)))
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    socket.write(encode(encodeResult({ error: new CallError('resourceExhausted', error.message) })))
  }
}

type Result = { readonly payload: Uint8Array } | { readonly error: unknown }

function encodeResult(result: Result): Uint8Array {
  if ('payload' in result) return response.encode({ payload: result.payload })
  const { error } = result
  const code = error instanceof CallError ? codes[error.code] : codes.unknown
  return response.encode({ status: { code, message: error instanceof Error ? error.message : String(error) } })
}
