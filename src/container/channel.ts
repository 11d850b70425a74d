/** A pair of packet sockets beside the conversation: init sends descriptors of its namespaces through it. */
import { closeSync } from 'node:fs'
import { RuntimeError } from '../base/errors.ts'
import { errnoName } from '../kernel/errno.ts'
import { receiveMessage } from '../kernel/fdpass.ts'
import { native } from '../kernel/native.ts'

/** What came: one letter says what a descriptor is. They are the caller's to close. */
export interface Handed {
  readonly word: string
  readonly fd: number
}

/** Both ends are close-on-exec, and the caller's to close. @throws RuntimeError `spawn-failed` */
export function packetPair(): readonly [one: number, other: number] {
  const ends = new Int32Array(2)
  const got = native().packetPair(ends)
  if (got < 0) throw new RuntimeError('spawn-failed', { errno: errnoName(-got) })
  return [ends[0] ?? -1, ends[1] ?? -1]
}

export class Channel implements Disposable {
  /** The end for init, which the child gets by its number. */
  readonly theirs: number
  readonly #ours: number
  #isHalf = false

  /** @throws RuntimeError `spawn-failed` */
  constructor() {
    const [ours, theirs] = packetPair()
    this.#ours = ours
    this.theirs = theirs
  }

  /** The child has its end now. */
  release(): void {
    if (this.#isHalf) return
    this.#isHalf = true
    closeSync(this.theirs)
  }

  /** All that was sent; only once init has said so, for it reads until the other end is closed. */
  receive(): Handed[] {
    const handed: Handed[] = []
    const buffer = Buffer.alloc(64)
    for (;;) {
      const got = receiveMessage(this.#ours, buffer)
      if ('refused' in got || got.size === 0) return handed
      const words = buffer.toString('latin1', 0, got.size)
      for (const [i, fd] of got.fds.entries()) handed.push({ word: words[i] ?? '', fd })
    }
  }

  [Symbol.dispose](): void {
    this.release()
    closeSync(this.#ours)
  }
}
