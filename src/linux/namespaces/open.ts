/** Namespaces as descriptors, for a join: those of a running process, and those that a configuration names. */
import { closeSync, constants, openSync, statfsSync } from 'node:fs'
import type { Dispose } from '../../base/dispose.ts'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { namespaceIdentity, readProcess } from '../../host/process.ts'
import type { NamespaceType } from '../../spec/types.ts'
import type { Join } from './plan.ts'

export interface OpenNamespace {
  readonly type: NamespaceType
  readonly fd: number
}

/** User first: it gives the right to enter the others. Mount last: it changes what a path means. setns(2) */
const order: readonly (readonly [type: NamespaceType, file: string])[] = [
  ['user', 'user'],
  ['ipc', 'ipc'],
  ['uts', 'uts'],
  ['network', 'net'],
  ['pid', 'pid'],
  ['cgroup', 'cgroup'],
  ['time', 'time'],
  ['mount', 'mnt'],
]

/**
 * Through one descriptor of /proc/PID, whose process is checked once: a pid that is reused afterwards has another
 * directory. Namespaces that we are in already are left out: entering one's own user namespace is EINVAL.
 * @throws RuntimeError `exec-stopped`, `ns-join`
 */
export function openNamespaces(
  { pid, startTime }: { pid: number; startTime: string },
  descriptors: Dispose,
): OpenNamespace[] {
  const directory = openProcess(pid)
  descriptors.push(() => closeSync(directory))
  const base = `/proc/self/fd/${directory}`
  if (readProcess(pid, base)?.startTime !== startTime) throw new RuntimeError('exec-stopped')
  return order.flatMap(([type, file]) => {
    if (namespaceIdentity('self', file) === namespaceIdentity(pid, file)) return []
    const fd = openNamespace(`${base}/ns/${file}`, type)
    if (fd === undefined) return []
    descriptors.push(() => closeSync(fd))
    return [{ type, fd }]
  })
}

function openProcess(pid: number): number {
  try {
    return openSync(`/proc/${pid}`, constants.O_RDONLY | constants.O_DIRECTORY)
  } catch (cause) {
    throw new RuntimeError('exec-stopped', { cause })
  }
}

/** Undefined on a kernel without this kind. */
function openNamespace(path: string, type: NamespaceType): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (cause) {
    const errno = errnoOf(cause)
    if (errno === 'ENOENT') return undefined
    const what = `cannot open the ${type} namespace of the container`
    throw new RuntimeError('ns-join', { what, ...(errno ? { errno } : {}), cause })
  }
}

/** linux/magic.h */
const NSFS_MAGIC = 0x6e736673

/** A namespace that the configuration names by a path. @throws RuntimeError `ns-join` */
export function openJoin({ path, type, origin }: Join): number {
  const what = `cannot join the ${type} namespace ${path}`
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK) // a fifo would block for ever
  } catch (cause) {
    const errno = errnoOf(cause)
    throw new RuntimeError('ns-join', { what, ...(errno ? { errno } : {}), origin, cause })
  }
  if (statfsSync(`/proc/self/fd/${fd}`).type === NSFS_MAGIC) return fd
  closeSync(fd)
  throw new RuntimeError('ns-join', { what, why: 'it is no namespace', origin })
}
