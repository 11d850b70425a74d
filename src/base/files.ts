/** Writing files and descriptors so that nobody ever sees half of it. */
import { isUtf8 } from 'node:buffer'
import {
  closeSync,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf } from './errors.ts'

/**
 * Writes everything to a descriptor before it returns, whatever the descriptor is: a pipe whose other end was made
 * non-blocking (Node does that to the pipes it gives its children) answers EAGAIN, and process.exit() would lose the
 * rest. Throws the system error, EPIPE among them.
 */
export function writeAll(fd: number, data: string | Uint8Array): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  let done = 0
  while (done < bytes.length) {
    try {
      done += writeSync(fd, bytes, done)
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw error
      pause(1)
    }
  }
}

/** Sleeps in place: there is no poll(2) to wait for a full pipe with. */
function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/**
 * Puts a file in place in one step: a reader sees the old file or the new one, never a part. The temporary name is
 * random, in the same directory, and must not exist, so that no link planted by somebody else is followed.
 * `mode` is exact, whatever the umask. Throws the system error and leaves nothing behind.
 */
export function replaceFile(path: string, data: string | Uint8Array, mode = 0o644): void {
  // node:crypto would cost milliseconds of every start; that the name must be new is what keeps us safe.
  const temporary = `${path}.${Math.random().toString(36).slice(2)}`
  const fd = openSync(temporary, 'wx', mode)
  try {
    try {
      fchmodSync(fd, mode)
      writeAll(fd, data)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** Is this descriptor a terminal? node:tty is loaded only for a character device: it brings the network modules along. */
export function isTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice() && process.getBuiltinModule('node:tty').isatty(fd)
  } catch {
    return false
  }
}

const CHUNK = 1 << 16

/**
 * The bytes of a file that somebody else names: a pipe and /dev/zero have no size that could be asked for before. Throws
 * the system error, and EFBIG for one that is longer than `limit` bytes. `inspect` looks at the open file first: what
 * it throws ends the reading.
 */
export function readLimited(path: string, limit: number, inspect?: (fd: number) => void): Buffer {
  const fd = openSync(path, 'r')
  try {
    inspect?.(fd)
    const chunks: Buffer[] = []
    for (let total = 0; ; ) {
      const chunk = Buffer.allocUnsafe(CHUNK)
      const size = readSync(fd, chunk)
      if (size === 0) return Buffer.concat(chunks)
      total += size
      if (total > limit) throw Object.assign(new Error(`${path} is longer than ${limit} bytes`), { code: 'EFBIG' })
      chunks.push(chunk.subarray(0, size))
    }
  } finally {
    closeSync(fd)
  }
}

/** The place of the first byte that is not UTF-8, or undefined. */
export function findForeignByte(bytes: Buffer): number | undefined {
  if (isUtf8(bytes)) return undefined
  for (let at = 0; at < bytes.length; ) {
    const size = [1, 2, 3, 4].find((length) => isUtf8(bytes.subarray(at, Math.min(at + length, bytes.length))))
    if (size === undefined) return at
    at += size
  }
  return undefined
}

/**
 * Makes a directory and what is missing above it. mkdir of Node with `recursive` goes on for ever (Node 20) where the
 * kernel says ENOENT of a directory that is there, as below /proc. @returns whether the last one was made
 */
export function makeDirectories(path: string, mode: number, hasParent = false): boolean {
  try {
    mkdirSync(path, mode)
    return true
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' && !hasParent && dirname(path) !== path) {
      makeDirectories(dirname(path), mode)
      return makeDirectories(path, mode, true)
    }
    if (errno !== 'EEXIST' || !statSync(path).isDirectory()) throw error
    return false
  }
}
