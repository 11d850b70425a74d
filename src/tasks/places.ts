/** Where the task service keeps things. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { makeDirectories } from '../base/files.ts'

/** Directories of one service. What is in `state` is gone after a reboot, as tasks are; `data` stays. */
export interface Places {
  readonly state: string
  readonly data: string
  /** Of the OCI runtimes, one directory each: they cannot read each other's state. */
  readonly oci: string
  /** Scripts that stand for runtimes with arguments, of this service alone. Not below /run, which may be mounted noexec. */
  readonly wrappers: string
  /** Of the service itself: the API, and events of shims. */
  readonly socket: string
}

export interface PlacesWish {
  /** `--service DIR`: everything in this one. */
  readonly service?: string | undefined
  /** A directory that a reboot ends. */
  readonly runtime: string
  /** Where our data is kept: /var/lib/usnea, $XDG_DATA_HOME/usnea, ~/.local/share/usnea. */
  readonly persistent: string | undefined
}

/** sun_path of unix(7), without its last NUL. */
const LONGEST_SOCKET = 107

/** @throws RuntimeError `daemon-socket` when the path is too long for a socket */
export function placesOf({ service, runtime, persistent }: PlacesWish): Places {
  const top = service ?? runtime
  const state = join(top, 'state')
  const data = service === undefined && persistent !== undefined ? join(persistent, 'tasks') : join(top, 'data')
  const oci = join(top, 'oci')
  const wrappers =
    service === undefined && persistent !== undefined
      ? join(persistent, 'wrappers', createHash('sha256').update(top).digest('hex').slice(0, 8))
      : join(top, 'wrappers')
  const socket = join(top, 'service.sock')
  if (Buffer.byteLength(socket) > LONGEST_SOCKET)
    throw new RuntimeError('daemon-socket', {
      what: `the path of the socket is too long: ${socket}`,
      errno: 'ENAMETOOLONG',
      fix: 'name a shorter directory with --service DIR',
    })
  return { state, data, oci, wrappers, socket }
}

/** Makes them where they are missing, for their user alone. @throws RuntimeError `task-bundle` */
export function makePlaces({ state, data, oci }: Places): void {
  for (const path of [state, data, oci]) {
    try {
      makeDirectories(path, 0o700)
    } catch (cause) {
      const errno = errnoOf(cause)
      throw new RuntimeError('task-bundle', { what: `cannot make ${path}`, ...(errno && { errno }), cause })
    }
  }
}
