/** Where the input and output of a process go, as shims take it: paths of fifos, or addresses of files. */
import { closeSync, constants, openSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { makeDirectories } from '../../base/files.ts'
import { errnoName } from '../../kernel/errno.ts'
import { native } from '../../kernel/native.ts'
import type { IoWish } from '../api.ts'
import type { TaskIo } from '../record.ts'

export const LOG = 'output.log'
const none: TaskIo = { stdin: '', stdout: '', stderr: '', terminal: false }

export interface IoPlace {
  readonly bundle: string
  /** Where a log lies, that may become long. */
  readonly data: string
  /** Of the process: fifos of execs lie beside those of the first process. */
  readonly name: string
}

/** @throws RuntimeError `task-request`, `task-bundle` */
export function makeIo(
  { kind, terminal = false, stdin = false, paths }: IoWish,
  { bundle, data, name }: IoPlace,
): TaskIo {
  if (kind === 'null') {
    if (terminal) throw new RuntimeError('task-request', { what: 'a terminal needs fifos: somebody has to look at it' })
    return none
  }
  if (kind === 'given') return { ...none, ...paths, terminal }
  try {
    if (kind === 'fifo') return makeFifos({ directory: join(bundle, 'io'), name, terminal, stdin })
    // containerd's shim writes what a terminal shows only to fifos and programs.
    if (terminal) throw new RuntimeError('task-request', { what: 'what a terminal shows is not written to a log' })
    makeDirectories(data, 0o700)
    const path = join(data, LOG)
    writeFileSync(path, '', { mode: 0o600, flag: 'a' })
    return { stdin: '', stdout: `file://${path}`, stderr: `file://${path}`, terminal }
  } catch (cause) {
    const errno = errnoOf(cause)
    if (errno === undefined) throw cause
    throw new RuntimeError('task-bundle', { what: `the output of ${name} cannot be prepared`, errno, cause })
  }
}

interface FifoWish {
  readonly directory: string
  readonly name: string
  readonly terminal: boolean
  readonly stdin: boolean
}

function makeFifos({ directory, name, terminal, stdin }: FifoWish): TaskIo {
  makeDirectories(directory, 0o700)
  const path = (stream: string) => {
    const fifo = join(directory, `${name}-${stream}`)
    rmSync(fifo, { force: true })
    const made = native().mkfifo(fifo, 0o600)
    if (made < 0) throw Object.assign(new Error('mkfifo'), { code: errnoName(-made) })
    return fifo
  }
  return {
    stdin: stdin ? path('stdin') : '',
    stdout: path('stdout'),
    // A terminal has one direction out.
    stderr: terminal ? '' : path('stderr'),
    terminal,
  }
}

export function removeIo({ stdin, stdout, stderr }: TaskIo, bundle: string): void {
  for (const path of [stdin, stdout, stderr]) if (path.startsWith(join(bundle, 'io', ''))) rmSync(path, { force: true })
}

/**
 * Holds the reading ends while a shim opens the writing ones: it would wait for a reader. Afterwards it holds both ends
 * itself, so that what is written before somebody attaches is not lost.
 */
export function holdReaders({ stdout, stderr }: TaskIo): Disposable {
  const fds = [stdout, stderr]
    .filter((path) => path.startsWith('/'))
    .flatMap((path) => {
      try {
        return [openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)]
      } catch {
        return [] // the shim will say what is wrong with it
      }
    })
  return {
    [Symbol.dispose]: () => {
      for (const fd of fds) closeSync(fd)
    },
  }
}
