/** The socket of the service: its API, and the events of shims. Who connects must be the user it belongs to, or root. */
import type { Socket } from 'node:net'
import { isRuntimeError, RuntimeError } from '../../base/errors.ts'
import { peerOf } from '../../kernel/peer.ts'
import { API_SERVICE, apiMethods, type Tasks } from '../api.ts'
import { timeText } from '../events/event.ts'
import { EVENTS_SERVICE, forwardRequest } from '../protobuf/events.ts'
import { any, empty, millisecondsOf } from '../protobuf/google.ts'
import type { TaskService } from '../service/service.ts'
import { CallError } from '../ttrpc/call.ts'
import { type Handler, handler, type Services, serveTtrpc } from '../ttrpc/server.ts'

/** JSON in both directions: `{ value }` or `{ error }`. */
export interface ErrorWords {
  readonly code: string
  readonly what: string
  readonly why?: string | undefined
  readonly fix?: string | undefined
  readonly errno?: string | undefined
  readonly details: readonly string[]
}

function servicesOf(service: TaskService): Services {
  const api = Object.fromEntries(apiMethods.map((name) => [name, apiHandler(service, name)]))
  const forward = handler(forwardRequest, empty, async ({ envelope }) => {
    if (envelope?.event === undefined) throw new CallError('invalidArgument', 'an envelope without an event')
    const { namespace, topic, timestamp, event } = envelope
    const time = timeText(millisecondsOf(timestamp) ?? Date.now())
    try {
      service.forward({ namespace, topic, time, event: any.encode(event) })
    } catch (error) {
      if (!isRuntimeError(error)) throw error
      throw new CallError(error.code === 'journal-broken' ? 'unavailable' : 'invalidArgument', error.message)
    }
    return {}
  })
  return { [API_SERVICE]: api, [EVENTS_SERVICE]: { Forward: forward } }
}

function apiHandler(service: Tasks, name: keyof Tasks): Handler {
  return async (payload, gone) => {
    let answer: object
    try {
      const wish = JSON.parse(Buffer.from(payload).toString())
      if (typeof wish !== 'object' || wish === null) throw new SyntaxError('it is no object')
      answer = {
        value: await (service[name] as (wish: never, gone: AbortSignal) => Promise<unknown>).call(
          service,
          wish as never,
          gone,
        ),
      }
    } catch (error) {
      answer = { error: wordsOf(error) }
    }
    return Buffer.from(JSON.stringify(answer))
  }
}

function wordsOf(error: unknown): ErrorWords {
  if (!isRuntimeError(error)) {
    const code = error instanceof SyntaxError ? 'task-request' : 'internal'
    return { code, what: (error as Error).message, details: [] }
  }
  const { code, what, why, fix, errno, details } = error
  return { code, what, why, fix, errno, details }
}

/** A peer that may not speak is not answered, and hears nothing. @returns whether it is served */
export function serve(socket: Socket, service: TaskService, uid: number): boolean {
  const peer = peerOf(socket)
  if (peer === undefined || (peer.uid !== uid && peer.uid !== 0)) {
    socket.destroy()
    return false
  }
  serveTtrpc(socket, servicesOf(service))
  return true
}

export const errorOf = ({ code, what, why, fix, errno, details }: ErrorWords): RuntimeError =>
  new RuntimeError(code as RuntimeError['code'], {
    what,
    details,
    ...(why && { why }),
    ...(fix && { fix }),
    ...(errno && { errno }),
  })
