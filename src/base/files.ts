/** Writing files and descriptors so that nobody ever sees half of it. */
import { closeSync, fchmodSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
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
