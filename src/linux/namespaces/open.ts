/** Namespaces as descriptors, for a join: those of a running process, and those that a configuration names. */
import { closeSync, constants, fstatSync, openSync, statfsSync, statSync } from 'node:fs'
import type { Dispose } from '../../base/dispose.ts'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import type { Host } from '../../host/facts.ts'
import { namespaceIdentity, readProcess } from '../../host/process.ts'
import { native } from '../../kernel/native.ts'
import type { NamespaceType } from '../../spec/names.ts'
import { joinOrder } from './order.ts'
import type { Join } from './plan.ts'

/** What one setns(2) call enters: one namespace by its file, or several at once by the pidfd of a process in them. */
export interface Entrance {
  readonly types: readonly NamespaceType[]
  readonly fd: number
}

/** Their names in /proc/PID/ns. */
export const fileOf: Readonly<Record<NamespaceType, string>> = {
  user: 'user',
  ipc: 'ipc',
  uts: 'uts',
  network: 'net',
  pid: 'pid',
  cgroup: 'cgroup',
  time: 'time',
  mount: 'mnt',
}

/**
 * The namespaces of a running process. Those that we are in already are left out: entering one's own user namespace is
 * EINVAL. The process is checked after it is held, so that a pid that was reused meanwhile is not taken for it.
 * By pidfd (Linux 5.8) the kernel enters all of them in one step: files that are opened one after the other may belong
 * to different moments of a process that changes its namespaces.
 * @throws RuntimeError `exec-stopped`, `ns-join`
 */
export function openNamespaces(
  { pid, startTime }: { pid: number; startTime: string },
  host: Pick<Host, 'kernel' | 'capEffective'>,
  descriptors: Dispose,
): Entrance[] {
  const { kernel } = host
  const order = joinOrder(host)
  const pidfd = kernel.major > 5 || (kernel.major === 5 && kernel.minor >= 8) ? native().pidfdOpen(pid) : -1
  // A filter around us may know nothing of pidfds; a process that is gone is noticed below.
  if (pidfd < 0) return openFiles({ pid, startTime }, order, descriptors)
  descriptors.push(() => closeSync(pidfd))
  if (readProcess(pid)?.startTime !== startTime) throw new RuntimeError('exec-stopped')
  const types = order.filter((type) => isForeign(pid, fileOf[type]))
  return types.length === 0 ? [] : [{ types, fd: pidfd }]
}

const isForeign = (pid: number, file: string): boolean =>
  namespaceIdentity('self', file) !== namespaceIdentity(pid, file)

/** Through one descriptor of /proc/PID, whose process is checked once: a pid that is reused has another directory. */
function openFiles(
  { pid, startTime }: { pid: number; startTime: string },
  order: readonly NamespaceType[],
  descriptors: Dispose,
): Entrance[] {
  const directory = openProcess(pid)
  descriptors.push(() => closeSync(directory))
  const base = `/proc/self/fd/${directory}`
  if (readProcess(pid, base)?.startTime !== startTime) throw new RuntimeError('exec-stopped')
  return order.flatMap((type) => {
    const file = fileOf[type]
    const fd = isForeign(pid, file) ? openNamespace(`${base}/ns/${file}`, type) : undefined
    if (fd === undefined) return []
    descriptors.push(() => closeSync(fd))
    return [{ types: [type], fd }]
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
export const NSFS_MAGIC = 0x6e736673

export function isOurs(fd: number, type: NamespaceType): boolean {
  const [theirs, ours] = [fstatSync(fd), statSync(`/proc/self/ns/${fileOf[type]}`)]
  return theirs.ino === ours.ino && theirs.dev === ours.dev
}

/**
 * A namespace that the configuration names by a path. One whose kernel parameters it sets must not be our own: they would
 * be those of the host. @throws RuntimeError `ns-join`
 */
export function openJoin({ path, type, origin, isTuned }: Join): number {
  const what = `cannot join the ${type} namespace ${path}`
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK) // a fifo would block for ever
  } catch (cause) {
    const errno = errnoOf(cause)
    throw new RuntimeError('ns-join', { what, ...(errno ? { errno } : {}), origin, cause })
  }
  const isNamespace = statfsSync(`/proc/self/fd/${fd}`).type === NSFS_MAGIC
  if (isNamespace && !(isTuned && isOurs(fd, type))) return fd
  closeSync(fd)
  const why = 'it is the one that we are in ourselves, and linux.sysctl would change it for the whole host'
  throw new RuntimeError('ns-join', { what, why: isNamespace ? why : 'it is no namespace', origin })
}
