/**
 * The gate between create and start: two fifos, and for who is not root a door. init holds both ends of the fifos open,
 * so opening them never blocks, and a start on a dead init fails with ENXIO instead of hanging. Both have the name that
 * runc gave its own: whoever looks at the descriptors of a created container knows it.
 */
import { closeSync, constants, existsSync, fstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { errnoName } from '../kernel/errno.ts'
import { native } from '../kernel/native.ts'
import { openOwn, removeOwn } from './own-file.ts'

const START = 'exec.fifo'
const ANSWER = 'answer'
const DOOR = 'door'

export interface GateEnds {
  readonly start: number
  readonly result: number
}

const paths = (directory: string) => [join(directory, START), join(directory, ANSWER, START)] as const

/** What has its name may be another's, or something that opening it would change. */
function openFifo(path: string, flags: number): number {
  const fd = openOwn(path, flags)
  if (fstatSync(fd).isFIFO()) return fd
  closeSync(fd)
  throw new RuntimeError('root-unusable', { what: `${path} is no fifo` })
}

/** For create: both fifos, opened for reading and writing. The caller closes them once init has them. */
export function makeGate(directory: string): GateEnds {
  mkdirSync(join(directory, ANSWER), { mode: 0o700 })
  const fds = paths(directory).map((path) => {
    const made = native().mkfifo(path, 0o600)
    if (made < 0)
      throw new RuntimeError('root-unusable', { what: `cannot make the fifo ${path}`, errno: errnoName(-made) })
    return openFifo(path, constants.O_RDWR) // blocking: init shares this open file
  })
  const [start = -1, result = -1] = fds
  return { start, result }
}

/** For create, beside the fifos: the socket on which init hands out its namespaces. The caller closes it. */
export function makeDoor(directory: string): number {
  const fd = native().listen(join(directory, ANSWER), DOOR)
  if (fd < 0)
    throw new RuntimeError('root-unusable', {
      what: `cannot make a socket in the state directory ${directory}`,
      errno: errnoName(-fd),
    })
  return fd
}

export const doorOf = (directory: string): string => join(directory, ANSWER, DOOR)

/**
 * Is the container still waiting for its start? A start that was killed before it removed the fifos leaves them, but
 * once the program runs nobody has them open: fifo(7).
 */
export function isGateShut(directory: string): boolean {
  const [path] = paths(directory)
  if (!existsSync(path)) return false
  try {
    closeSync(openFifo(path, constants.O_WRONLY | constants.O_NONBLOCK))
    return true
  } catch (error) {
    return errnoOf(error) !== 'ENXIO' && errnoOf(error) !== 'ENOENT'
  }
}

/** For start: our ends, which the caller closes. Throws the system error ENXIO when init is gone. */
export function openGate(directory: string): GateEnds {
  const [startPath, resultPath] = paths(directory)
  const result = openFifo(resultPath, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    return { start: openFifo(startPath, constants.O_WRONLY | constants.O_NONBLOCK), result }
  } catch (error) {
    closeSync(result)
    throw error
  }
}

export function removeGate(directory: string): void {
  for (const name of [START, ANSWER]) removeOwn(directory, name)
}
