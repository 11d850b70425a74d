/** Leads the conversation with one `criu swrk` over a socket of packets. Blocks: while it works nothing else goes on. */
import { closeSync } from 'node:fs'
import { RuntimeError } from '../../base/errors.ts'
import { errnoName } from '../../kernel/errno.ts'
import { receiveMessage, sendMessage } from '../../kernel/fdpass.ts'
import { native } from '../../kernel/native.ts'
import {
  decodeResponse,
  encodeRequest,
  type Features,
  NoMessage,
  type Request,
  type Response,
  requestTypes,
} from './messages.ts'

/** Packets of criu are small; a restore of a hundred mounts says not one of their names. */
const MAX_PACKET = 64 << 10

export interface Notification {
  /** The moment, such as `setup-namespaces` or `post-restore`. */
  readonly moment: string
  /** The container's first process, where criu tells it. */
  readonly pid: number
  /** What came along, the handler's to close. */
  readonly fds: readonly number[]
}

/** criu's own words for a failure. */
export class CriuFailure extends Error {
  readonly errno: string | undefined

  constructor(message: string, errno: string | undefined) {
    super(message)
    this.errno = errno
  }
}

export class CriuService implements Disposable {
  /** The end that criu gets. */
  readonly theirs: number
  readonly #ours: number
  readonly #buffer = Buffer.alloc(MAX_PACKET)
  #theirsIsOpen = true

  constructor() {
    const ends = new Int32Array(2)
    const got = native().packetPair(ends)
    if (got < 0) throw new RuntimeError('internal', { what: 'cannot make a socket for criu', errno: errnoName(-got) })
    const [ours = -1, theirs = -1] = ends
    this.#ours = ours
    this.theirs = theirs
  }

  /** Once criu has its end, its death must be an end of ours. */
  closeTheirs(): void {
    if (this.#theirsIsOpen) closeSync(this.theirs)
    this.#theirsIsOpen = false
  }

  [Symbol.dispose](): void {
    this.closeTheirs()
    closeSync(this.#ours)
  }

  /** @throws CriuFailure */
  version(): number {
    const { version } = this.#ask({ type: 'version', keepOpen: true })
    if (version === undefined) throw new CriuFailure('criu does not tell its version', undefined)
    return version
  }

  /** Which of the asked ones are there. @throws CriuFailure */
  features(features: Features): Features {
    return this.#ask({ type: 'featureCheck', keepOpen: true, features }).features ?? {}
  }

  #ask(request: Request): Response {
    this.#say(request)
    return this.#hear().response
  }

  /**
   * A request that takes its time, and is answered after any number of notifications. When a handler throws, criu is told
   * to give up, and that error is thrown here once it has.
   * @throws CriuFailure, and what the handler throws
   */
  async serve(request: Request, onNotify: (notification: Notification) => Promise<void>): Promise<Response> {
    let refused: { readonly error: unknown } | undefined
    this.#say(request)
    for (;;) {
      const { response, fds } = this.#hear(refused)
      if (response.type !== requestTypes.notify) {
        for (const fd of fds) closeSync(fd)
        return response
      }
      const { script = '', pid = 0 } = response.notify ?? {}
      try {
        if (!refused) await onNotify({ moment: script, pid, fds })
      } catch (error) {
        refused = { error }
      }
      this.#say({ type: 'notify', notifySuccess: !refused })
    }
  }

  #say(request: Request): void {
    // A criu that is gone is heard of with the next answer, which may still lie there.
    sendMessage(this.#ours, encodeRequest(request), [])
  }

  #hear(refused?: { readonly error: unknown }): { response: Response; fds: readonly number[] } {
    const got = receiveMessage(this.#ours, this.#buffer)
    if (refused && ('refused' in got || got.size === 0)) throw refused.error
    // ECONNRESET: it ended before it had read everything.
    if ('refused' in got && got.refused !== 'ECONNRESET') throw new CriuFailure('criu cannot be heard', got.refused)
    if ('refused' in got || got.size === 0) throw new CriuFailure('criu ended without an answer', undefined)
    const response = decoded(this.#buffer.subarray(0, got.size))
    if (response.success) return { response, fds: got.fds }
    for (const fd of got.fds) closeSync(fd)
    if (refused) throw refused.error
    throw new CriuFailure(response.message ?? '', response.errno ? errnoName(response.errno) : undefined)
  }
}

function decoded(bytes: Uint8Array): Response {
  try {
    return decodeResponse(bytes)
  } catch (error) {
    throw error instanceof NoMessage ? new CriuFailure(error.message, undefined) : error
  }
}
