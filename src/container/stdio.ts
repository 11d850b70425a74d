/** Foreground without a terminal: three pipes, so that the container never holds the caller's own descriptors. */
import { fchownSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'

/** After the first process ended: how long its left-over children may still write. */
const GRACE_MS = 200

export interface Ends {
  readonly stdin: number
  readonly stdout: number
  readonly stderr: number
}

/** The container's root owns the pipes, so that /dev/stdout can be opened again inside. Refused for a foreign id: then the mode must do. */
export function givePipes({ stdin, stdout, stderr }: Ends, uid: number, gid: number): void {
  for (const fd of [stdin, stdout, stderr])
    try {
      fchownSync(fd, uid, gid)
    } catch {
      // only root may give them to an id that is not its own
    }
}

export class Pump {
  readonly #stdin: Socket
  readonly #outputs: Promise<void>[]
  readonly #sockets: Socket[]

  constructor({ stdin, stdout, stderr }: Ends) {
    this.#stdin = new Socket({ fd: stdin, readable: false, writable: true })
    this.#feed(process.stdin)
    const readers = [
      [stdout, process.stdout],
      [stderr, process.stderr],
    ] as const
    this.#sockets = readers.map(([fd]) => new Socket({ fd, readable: true, writable: false }))
    this.#outputs = this.#sockets.map((socket, i) => copy(socket, readers[i]?.[1] ?? process.stdout))
  }

  /** A container that stops reading, or ends, must not end us: EPIPE only stops the feeding. */
  #feed(source: Readable): void {
    this.#stdin.on('error', () => source.unpipe(this.#stdin))
    source.on('error', () => this.#stdin.end())
    source.pipe(this.#stdin)
  }

  /** Everything that was written is out; a left-over child that keeps a pipe open is given a moment only. */
  async finish(): Promise<void> {
    process.stdin.unpipe(this.#stdin)
    process.stdin.destroy()
    this.#stdin.destroy()
    let last = 0
    for (const socket of this.#sockets) socket.on('data', () => (last = performance.now()))
    const quiet = new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (performance.now() - last < GRACE_MS) return
        clearInterval(timer)
        resolve()
      }, GRACE_MS)
      void Promise.all(this.#outputs).then(() => {
        clearInterval(timer)
        resolve()
      })
    })
    await quiet
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** A reader of ours that closes early closes the container's pipe too, so that its writer hears of it. */
function copy(from: Socket, to: Writable): Promise<void> {
  return new Promise((resolve) => {
    from.on('close', () => resolve())
    from.on('error', () => resolve())
    to.on('error', () => from.destroy())
    from.pipe(to, { end: false })
  })
}
