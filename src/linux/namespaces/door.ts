/** The namespaces of a container that waits for its start, from its init: nobody but root may look into that one. */
import { closeSync, statfsSync } from 'node:fs'
import type { Dispose } from '../../base/dispose.ts'
import { RuntimeError } from '../../base/errors.ts'
import type { Host } from '../../host/facts.ts'
import { connectUnix, receiveMessage } from '../../kernel/fdpass.ts'
import { native } from '../../kernel/native.ts'
import type { NamespaceType } from '../../spec/names.ts'
import { type Entrance, fileOf, isOurs, NSFS_MAGIC } from './open.ts'
import { joinOrder } from './order.ts'

/** init answers at once, unless it is frozen. */
const PATIENCE_MS = 10_000

/**
 * `door` is the socket of its gate. Undefined when nobody answers there: the container was started meanwhile, or there
 * is no door. Namespaces that we are in already are left out.
 * @throws RuntimeError `ns-join`
 */
export function askForNamespaces(
  door: string,
  host: Pick<Host, 'capEffective'>,
  descriptors: Dispose,
): Entrance[] | undefined {
  const held = receive(door, descriptors)
  if (held === undefined) return undefined
  return joinOrder(host).flatMap((type) => {
    const fd = held.get(type)
    return fd === undefined || isOurs(fd, type) ? [] : [{ types: [type], fd }]
  })
}

function receive(door: string, descriptors: Dispose): ReadonlyMap<NamespaceType, number> | undefined {
  const socket = connectUnix(door)
  if (typeof socket !== 'number') return undefined
  try {
    const buffer = Buffer.alloc(128)
    if (native().waitReadable(socket, PATIENCE_MS) <= 0) return undefined
    const got = receiveMessage(socket, buffer)
    if ('refused' in got || got.size === 0) return undefined
    for (const fd of got.fds) descriptors.push(() => closeSync(fd))
    return named(buffer.toString('latin1', 0, got.size).split(' '), got.fds)
  } finally {
    closeSync(socket)
  }
}

/** init is ours, and still its word is checked: what is entered must be a namespace. setns(2) checks the kind. */
function named(files: readonly string[], fds: readonly number[]): ReadonlyMap<NamespaceType, number> {
  const types = Object.entries(fileOf) as [NamespaceType, string][]
  const held = files.flatMap((file, i) => {
    const [type] = types.find(([, name]) => name === file) ?? []
    const fd = fds[i]
    return type === undefined || fd === undefined || !isNamespace(fd) ? [] : [[type, fd] as const]
  })
  if (held.length === fds.length && fds.length > 0) return new Map(held)
  throw new RuntimeError('ns-join', { what: 'init handed out something that is no namespace' })
}

const isNamespace = (fd: number): boolean => statfsSync(`/proc/self/fd/${fd}`).type === NSFS_MAGIC
