/** Decimal, no newline (callers parse it strictly), put in place in one step, readable as the umask says. */
import { accessSync, constants, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Dispose } from '../base/dispose.ts'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { replaceFile } from '../base/files.ts'

/** Of a process that `undo` ends it goes too. @throws RuntimeError `pid-file` */
export function writePidFile(path: string, pid: number, undo: Dispose): void {
  let isOurs = false
  undo.push(() => {
    if (isOurs) rmSync(path, { force: true })
  })
  try {
    replaceFile(path, String(pid), 0o666 & ~process.umask())
    isOurs = true
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

/** Before anything is made: a pid file that cannot be written would be known only when the container is there. */
export function assertPidFilePlace(path: string | undefined): void {
  if (path === undefined) return
  try {
    accessSync(dirname(path), constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw unwritable(path, cause)
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new RuntimeError('pid-file', { what: `cannot write the pid file ${path}`, errno: 'EISDIR' })
}

function unwritable(path: string, cause: unknown): RuntimeError {
  const errno = errnoOf(cause)
  return new RuntimeError('pid-file', {
    what: `cannot write the pid file ${path}`,
    ...(errno ? { errno } : {}),
    cause,
  })
}
