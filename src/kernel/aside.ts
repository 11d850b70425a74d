/** Starts the small programs of native/ that go on beside us, or in our place. */
import { join } from 'node:path'
import { load } from './native.ts'

/**
 * In the middle of `attend`: a small program goes on with it in this process, and at the end runs `command`. Comes back
 * only when that is not possible here, which is no failure: the caller goes on by itself.
 */
export function handOver(command: readonly string[]): void {
  const words = Buffer.from(command.map((word) => `${word}\0`).join(''))
  const { native, directory } = load()
  native.handOver(join(directory, 'usnea-attend'), words, words.length)
}

export interface RelayWish {
  /** The socket that the container writes to. */
  readonly fd: number
  readonly address: string
  /** The container's first process. */
  readonly pid: number
  /** What lists of processes show of it. */
  readonly label: string
}

/** A small program relays until the container is ready or has ended. @returns 0 or -errno */
export function relayAside({ fd, address, pid, label }: RelayWish): number {
  const { native, directory } = load()
  return native.relayAside(join(directory, 'usnea-attend'), fd, address, pid, label)
}

export interface WatchWish {
  /** The container's first process. */
  readonly pid: number
  /** See native/watch/watch.h. */
  readonly file: number
  /** What lists of processes show of it. */
  readonly label: string
}

/** A small program ends the container when it uses more than the limits in the file. @returns 0 or -errno */
export function watchAside({ pid, file, label }: WatchWish): number {
  const { native, directory } = load()
  return native.watchAside(join(directory, 'usnea-watch'), pid, file, label)
}

/** The end of the channel for init, and where records are read: both the caller's to close. */
export interface Observing {
  readonly channel: number
  readonly records: number
}

/** A small program sees what a sandbox that is made next is denied: see native/observe. @returns its ends, or -errno */
export function observeAside(wish: Uint8Array): Observing | number {
  const { native, directory } = load()
  const ends = new Int32Array(2)
  const done = native.observeAside(join(directory, 'usnea-observe'), wish, wish.length, ends)
  return done < 0 ? done : { channel: ends[0] ?? -1, records: ends[1] ?? -1 }
}

/** A small program watches over the sandboxes of this one, as long as the other end of the channel is open. @returns 0 or -errno */
export function watchGroup(channel: number, label: string): number {
  const { native, directory } = load()
  return native.watchGroup(join(directory, 'usnea-watch'), channel, label)
}
