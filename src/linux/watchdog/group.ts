/** One small process that watches over all sandboxes of a program that have no cgroup: native/watch/group.c. */
import { closeSync } from 'node:fs'
import { RuntimeError } from '../../base/errors.ts'
import { watchGroup } from '../../kernel/aside.ts'
import { errnoName } from '../../kernel/errno.ts'
import { receiveMessage, sendMessage } from '../../kernel/fdpass.ts'
import { native } from '../../kernel/native.ts'
import type { Verdict } from './watchdog.ts'

export interface GroupLimits {
  /** Bytes; undefined: no limit. */
  readonly memory?: number | undefined
  /** Threads, without the first process, which is ours. */
  readonly tasks?: number | undefined
}

export interface Watchable {
  /** The first process, a child of ours that is not reaped yet. */
  readonly pid: number
  /** The kernel ends all of it with its first process. */
  readonly isWhole: boolean
  readonly limits: GroupLimits
}

export interface GroupVerdict extends Verdict {
  /** It was the limit of all together that was reached. */
  readonly isShared: boolean
}

/** Five numbers of 64 bits out, four in: see native/watch/group.c. */
const [WISH, ANSWER] = [40, 32]
const [NOTHING, MEMORY, TASKS] = [0n, 1n, 2n]
/** A machine under load is slow; its first look takes some milliseconds. */
const PATIENCE_MS = 10_000

export class WatchGroup implements Disposable {
  readonly #ours: number
  readonly #verdicts = new Map<number, GroupVerdict>()
  #last = 0
  #hasLooked = false
  #isOpen = true

  /** @throws RuntimeError `watchdog-failed` */
  constructor(label: string, shared: GroupLimits = {}) {
    const ends = new Int32Array(2)
    const pair = native().packetPair(ends)
    if (pair < 0) throw new RuntimeError('watchdog-failed', { errno: errnoName(-pair) })
    const [ours = -1, theirs = -1] = ends
    this.#ours = ours
    const got = watchGroup(theirs, label)
    closeSync(theirs)
    if (got < 0) {
      closeSync(ours)
      throw new RuntimeError('watchdog-failed', { errno: errnoName(-got) })
    }
    this.#say({ id: 0, pid: 0, isWhole: false, limits: shared })
  }

  /** @returns its number here. Waits for the first look of all, which proves that it can see. @throws RuntimeError `watchdog-failed` */
  add(one: Watchable): number {
    const id = ++this.#last
    const pidfd = native().pidfdOpen(one.pid)
    if (pidfd < 0) return id // it has ended already
    try {
      this.#drain()
      this.#say({ ...one, id }, pidfd)
    } finally {
      closeSync(pidfd)
    }
    while (!this.#hasLooked) {
      if (native().waitReadable(this.#ours, PATIENCE_MS) <= 0 || !this.#hear())
        throw new RuntimeError('watchdog-failed', { why: 'it cannot look at the processes of the sandbox in /proc' })
      const blind = this.#verdicts.get(id)
      if (blind) break
    }
    return id
  }

  /** Why it ended that one, if it did. Asked once, when that is dead. */
  verdictOf(id: number): GroupVerdict | undefined {
    this.#drain()
    const verdict = this.#verdicts.get(id)
    this.#verdicts.delete(id)
    return verdict
  }

  /** Nobody else empties the socket, which holds some hundreds. */
  #drain(): void {
    while (this.#isOpen && native().waitReadable(this.#ours, 0) > 0) if (!this.#hear()) break
  }

  #say({ id, pid, isWhole, limits }: Watchable & { readonly id: number }, ...fds: number[]): void {
    const bytes = Buffer.alloc(WISH)
    const numbers = [id, pid, isWhole ? 1 : 0, Math.round(limits.memory ?? 0), limits.tasks ?? 0]
    for (const [i, number] of numbers.entries()) bytes.writeBigUInt64LE(BigInt(number), i * 8)
    const refused = sendMessage(this.#ours, bytes, fds)
    if (refused) throw new RuntimeError('watchdog-failed', { errno: refused.refused, what: 'the watchdog has ended' })
  }

  /** False at its end. */
  #hear(): boolean {
    const bytes = Buffer.alloc(ANSWER)
    const got = receiveMessage(this.#ours, bytes)
    if ('refused' in got || got.size < ANSWER) return false
    const [id = 0n, kind = 0n, found = 0n, shared = 0n] = [0, 8, 16, 24].map((at) => bytes.readBigUInt64LE(at))
    if (kind === NOTHING) this.#hasLooked = true
    else if (kind === MEMORY || kind === TASKS)
      this.#verdicts.set(Number(id), {
        limit: kind === MEMORY ? 'memory' : 'tasks',
        found,
        isShared: shared !== 0n,
      })
    else return this.#hasLooked // blind: it has ended the sandbox
    return true
  }

  /** It ends with that. */
  [Symbol.dispose](): void {
    if (this.#isOpen) closeSync(this.#ours)
    this.#isOpen = false
  }
}
