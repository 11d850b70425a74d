/** The service of another process, through its socket: the same calls, the same errors. */
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { API_SERVICE, apiMethods, type Tasks } from '../api.ts'
import type { Given, Message, Read } from '../protobuf/message.ts'
import { CallError } from '../ttrpc/call.ts'
import { TtrpcClient } from '../ttrpc/client.ts'
import { type ErrorWords, errorOf } from './serve.ts'

export interface TasksClient extends Tasks {
  readonly closed: Promise<void>
  close(): void
}

/** Bytes that are no Protocol Buffers, in a place where those are expected. */
const raw = {
  fields: {},
  encode: (value: { bytes: Uint8Array }) => value.bytes,
  decode: (bytes: Uint8Array) => ({ bytes }),
} as unknown as Message<{ bytes: readonly [1, 'bytes'] }>

/** Milliseconds. */
const PATIENCE = 5000

/**
 * Undefined when nobody listens there.
 * @throws RuntimeError `daemon-socket` when somebody else does
 */
export async function connectTasks(path: string, uid: number): Promise<TasksClient | undefined> {
  let client: TtrpcClient
  try {
    client = await TtrpcClient.connect(path, PATIENCE)
  } catch (error) {
    const errno = errnoOf((error as CallError).cause)
    if (errno === 'ENOENT' || errno === 'ECONNREFUSED') return undefined
    throw new RuntimeError('daemon-socket', {
      what: `cannot connect to ${path}`,
      ...(errno && { errno }),
      cause: error,
    })
  }
  const { peer } = client
  if (peer === undefined || (peer.uid !== uid && peer.uid !== 0)) {
    client.close()
    throw new RuntimeError('daemon-socket', {
      what: `${path} belongs to user ${peer?.uid ?? 'unknown'}, and we are ${uid}`,
    })
  }
  const methods = Object.fromEntries(
    apiMethods.map((name) => [name, (wish: object, gone?: AbortSignal) => ask(client, name, { wish, gone })]),
  )
  return { ...(methods as unknown as Tasks), closed: client.closed, close: () => client.close() }
}

interface Asked {
  readonly wish: object
  readonly gone: AbortSignal | undefined
}

async function ask(client: TtrpcClient, name: string, { wish, gone }: Asked): Promise<unknown> {
  const method = { service: API_SERVICE, name, request: raw, response: raw }
  let answer: { value?: unknown; error?: ErrorWords }
  try {
    const bytes = Buffer.from(JSON.stringify(wish))
    const read = await client.call(method, { bytes } as Given<typeof raw.fields>, gone && { signal: gone })
    answer = JSON.parse(Buffer.from((read as Read<typeof raw.fields>).bytes).toString())
  } catch (cause) {
    if (cause instanceof CallError && cause.code === 'cancelled') throw cause
    throw new RuntimeError('daemon-lost', {
      what: `the task service did not answer ${name}`,
      why: (cause as Error).message,
      cause,
    })
  }
  if (answer.error !== undefined) throw errorOf(answer.error)
  return answer.value
}
