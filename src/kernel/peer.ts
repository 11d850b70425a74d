/** Who is at the other end of a unix socket: SO_PEERCRED of unix(7). */
import type { Socket } from 'node:net'
import { native } from './native.ts'

export interface Peer {
  /** 0 when it is not in our pid namespace. */
  readonly pid: number
  readonly uid: number
}

/**
 * Of a connection that we accepted: who connected. Of one that we made: who listened. Undefined when it cannot be asked,
 * such as of a connection that is closed already.
 */
export function peerOf(socket: Socket): Peer | undefined {
  // Node shows a socket's descriptor nowhere else.
  const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd
  if (fd === undefined || fd < 0) return undefined
  const who = new Int32Array(2)
  if (native().peer(fd, who) < 0) return undefined
  const [pid = 0, uid = -1] = who
  return { pid, uid: uid >>> 0 }
}
