/** Where the task service keeps things. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, RuntimeError } from '../base/errors.ts'

/** Directories of one service. What is in `state` is gone after a reboot, as tasks are; `data` stays. */
export interface Places {
  readonly state: string
  readonly data: string
  /** Of the OCI runtimes, one directory each: they cannot read each other's state. */
  readonly oci: string
  /** Of the service itself: the API, and events of shims. */
  readonly socket: string
}

export interface PlacesWish {
  /** `--service DIR`: everything in this one. */
  readonly service?: string | undefined
  /** Where state of ours is kept that a reboot ends: $XDG_RUNTIME_DIR/usnea, /run/usnea. */
  readonly runtime: string
  /** Where a program of this user keeps data: /var/lib, $XDG_DATA_HOME, ~/.local/share. */
  readonly persistent: string | undefined
}

/** sun_path of unix(7), without its last NUL. */
const LONGEST_SOCKET = 107

/** @throws RuntimeError `daemon-socket` when the path is too long for a socket */
export function placesOf({ service, runtime, persistent }: PlacesWish): Places {
  const state = service === undefined ? join(runtime, 'tasks') : join(service, 'state')
  const data = service === undefined ? join(persistent ?? runtime, 'usnea', 'tasks') : join(service, 'data')
  const oci = join(service ?? runtime, 'oci')
  const socket = join(service ?? state, 'service.sock')
  if (Buffer.byteLength(socket) > LONGEST_SOCKET)
    throw new RuntimeError('daemon-socket', {
      what: `the path of the socket is too long: ${socket}`,
      errno: 'ENAMETOOLONG',
      fix: 'name a shorter directory with --service DIR',
    })
  return { state, data, oci, socket }
}

/** Makes them where they are missing, for their user alone. @throws RuntimeError `task-bundle` */
export function makePlaces({ state, data, oci }: Places): void {
  for (const path of [state, data, oci]) {
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 })
    } catch (cause) {
      const errno = errnoOf(cause)
      throw new RuntimeError('task-bundle', { what: `cannot make ${path}`, ...(errno && { errno }), cause })
    }
  }
}
