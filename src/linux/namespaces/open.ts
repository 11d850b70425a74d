/** The namespaces of a running process as descriptors, for a join. */
import { closeSync, constants, openSync } from 'node:fs'
import type { Dispose } from '../../base/dispose.ts'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { namespaceIdentity, readProcess } from '../../host/process.ts'
import type { NamespaceType } from '../../spec/types.ts'

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
