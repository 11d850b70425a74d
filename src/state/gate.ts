/**
 * The gate between create and start: two fifos. init holds both ends open, so opening them never blocks, and a start on
 * a dead init fails with ENXIO instead of hanging.
 */
import { closeSync, constants, existsSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { RuntimeError } from '../base/errors.ts'
import { errnoName } from '../kernel/errno.ts'
import { native } from '../kernel/native.ts'

const names = ['exec.fifo', 'exec.result'] as const

export interface GateEnds {
  readonly start: number
  readonly result: number
}

const paths = (directory: string) => names.map((name) => join(directory, name)) as [string, string]

/** For create: both fifos, opened for reading and writing. The caller closes them once init has them. */
export function makeGate(directory: string): GateEnds {
  const fds = paths(directory).map((path) => {
    const made = native().mkfifo(path, 0o600)
    if (made < 0)
      throw new RuntimeError('root-unusable', { what: `cannot make the fifo ${path}`, errno: errnoName(-made) })
    return openSync(path, constants.O_RDWR) // blocking: init shares this open file
  })
  const [start = -1, result = -1] = fds
  return { start, result }
}

/** Is the container still waiting for its start? */
export const isGateShut = (directory: string): boolean => existsSync(join(directory, names[0]))

/** For start: our ends, which the caller closes. Throws the system error ENXIO when init is gone. */
export function openGate(directory: string): GateEnds {
  const [startPath, resultPath] = paths(directory)
  const result = openSync(resultPath, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    return { start: openSync(startPath, constants.O_WRONLY | constants.O_NONBLOCK), result }
  } catch (error) {
    closeSync(result)
    throw error
  }
}

export function removeGate(directory: string): void {
  for (const path of paths(directory)) rmSync(path, { force: true })
}
