/** A shim that runs: one connection, shared by all tasks that it holds. */
import { unlinkSync } from 'node:fs'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { TASK_SERVICE, type TaskMethod, type TaskRequest, type TaskResponse, taskMethods } from '../protobuf/task.ts'
import { type CallCode, CallError } from '../ttrpc/call.ts'
import { type CallOptions, TtrpcClient } from '../ttrpc/client.ts'
import type { ShimAddress } from './binary.ts'

export interface ConnectWish extends ShimAddress {
  /** Who the shim must belong to, besides root. */
  readonly uid: number
  /** Milliseconds for the connection. */
  readonly timeout: number
}

export class Shim {
  readonly address: string
  readonly version: number
  readonly #client: TtrpcClient

  private constructor(address: ShimAddress, client: TtrpcClient) {
    this.address = address.address
    this.version = address.version
    this.#client = client
  }

  /** @throws RuntimeError `shim-silent`, `shim-foreign` */
  static async connect({ uid, timeout, ...address }: ConnectWish): Promise<Shim> {
    let client: TtrpcClient
    try {
      client = await TtrpcClient.connect(socketPath(address.address), timeout)
    } catch (error) {
      throw explain(error, 'connect')
    }
    const { peer } = client
    // Whoever may listen there for another user would be told everything, and believed.
    if (peer === undefined || (peer.uid !== uid && peer.uid !== 0)) {
      client.close()
      throw new RuntimeError('shim-foreign', {
        what: `the socket of the shim, ${address.address}, belongs to user ${peer?.uid ?? 'unknown'}`,
      })
    }
    return new Shim(address, client)
  }

  /** @throws RuntimeError `shim-lost`, `shim-silent`, `shim-garbage`, `shim-failed`, and `task-…` for what it refuses */
  async call<M extends TaskMethod>(
    name: M,
    request: TaskRequest<M>,
    options: CallOptions = {},
  ): Promise<TaskResponse<M>> {
    const service = this.version === 3 ? TASK_SERVICE.replace('v2', 'v3') : TASK_SERVICE
    try {
      const method = { service, name, ...taskMethods[name] }
      return (await this.#client.call(method, request as never, options)) as TaskResponse<M>
    } catch (error) {
      throw explain(error, name)
    }
  }

  /** Settles when it is gone, or was let go of. */
  get closed(): Promise<void> {
    return this.#client.closed
  }

  close(): void {
    this.#client.close()
  }
}

/** As Go's shims write it: a path with `unix://` before it, else a name in the abstract namespace of unix(7). */
export const socketPath = (address: string): string =>
  address.startsWith('unix://') ? address.slice('unix://'.length) : `\0${address}`

/** What a dead shim has left where it listened. */
export function removeSocket(address: string): void {
  if (!address.startsWith('unix://')) return
  try {
    unlinkSync(socketPath(address))
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
  }
}

const kinds: Partial<Record<CallCode, RuntimeError['code']>> = {
  notFound: 'task-missing',
  alreadyExists: 'task-exists',
  failedPrecondition: 'task-state',
  invalidArgument: 'task-request',
  unimplemented: 'task-request',
  deadlineExceeded: 'shim-silent',
  unavailable: 'shim-lost',
  dataLoss: 'shim-garbage',
  internal: 'shim-garbage',
  resourceExhausted: 'task-request',
}

/** The shim's own words come first: they are those of containerd's, which callers know. */
function explain(error: unknown, name: string): unknown {
  if (!(error instanceof CallError)) return error
  const code = name === 'connect' ? 'shim-silent' : codeOf(error, name)
  return new RuntimeError(code, {
    what: error.message,
    ...(code === 'shim-failed' && { why: `the shim refused ${name}` }),
    cause: error,
  })
}

/** What Create does not find is a file of the container, and never the task. */
function codeOf({ code, message }: CallError, name: string): RuntimeError['code'] {
  if (name === 'Create' && code === 'notFound') return 'shim-failed'
  return kinds[code] ?? stateWords(message)
}

/** Shims written in Go answer most refusals without a code. */
const stateWords = (message: string): RuntimeError['code'] =>
  /\bcannot \w+ .*\b(state|container|process)\b|already (finished|exited)|not (running|started)/.test(message)
    ? 'task-state'
    : 'shim-failed'
