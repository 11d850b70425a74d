/** Decimal, no newline (callers parse it strictly), put in place in one step, readable as the umask says. */
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { replaceFile } from '../base/files.ts'

export function writePidFile(path: string, pid: number): void {
  try {
    replaceFile(path, String(pid), 0o666 & ~process.umask())
  } catch (cause) {
    const errno = errnoOf(cause)
    throw new RuntimeError('pid-file', {
      what: `cannot write the pid file ${path}`,
      ...(errno ? { errno } : {}),
      cause,
    })
  }
}
