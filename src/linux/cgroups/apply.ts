/** Writes limits into the directories of a container's cgroup. */
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { hasCgroupFile, readCgroupFile, writeCgroupFile } from './files.ts'
import type { Write } from './limits/write.ts'
import { homeOfController, type ManagedCgroup, unifiedHome } from './record.ts'

/** @throws RuntimeError `cgroup-limit`, `cgroup-missing`; the writes before it have been done then */
export function applyWrites(record: ManagedCgroup, writes: readonly Write[]): void {
  for (let i = 0; i < writes.length; i++) {
    const [write, next] = [writes[i] as Write, writes[i + 1]]
    const refusal = tryWrite(record, write)
    if (!refusal) continue
    if (!write.beforeNext || !next || !['EINVAL', 'EBUSY'].includes(refusal.errno ?? '')) throw refusal
    const second = tryWrite(record, next) ?? tryWrite(record, write)
    if (second) throw second
    i++
  }
}

function tryWrite(record: ManagedCgroup, write: Write): RuntimeError | undefined {
  const { controller, choices, origin, mayLack } = write
  const home = controller === 'cgroup' ? unifiedHome(record) : homeOfController(record, controller)
  const choice = home && choices.find(({ file }) => hasCgroupFile(home.path, file))
  if (home && choice) return writeTo(home.path, choice, write)
  if (mayLack) return undefined
  if (!home)
    return new RuntimeError('cgroup-missing', {
      what: `cannot set ${controller} limit: container could not join or create cgroup`,
      origin,
    })
  const names = choices.map(({ file }) => file).join(' or ')
  return new RuntimeError('cgroup-limit', {
    what: `cannot set the ${controller} limit`,
    why: `the kernel has no ${names} in ${home.path}`,
    origin,
  })
}

function writeTo(path: string, { file, value }: Write['choices'][number], write: Write): RuntimeError | undefined {
  try {
    writeCgroupFile(path, file, value)
    return undefined
  } catch (cause) {
    const errno = errnoOf(cause)
    const why = reasonOf(errno, { path, controller: write.controller })
    return new RuntimeError('cgroup-limit', {
      what: `cannot set the ${write.controller} limit: failed to write ${JSON.stringify(value)} to ${path}/${file}`,
      ...(errno ? { errno } : {}),
      ...(why ? { why } : {}),
      origin: write.origin,
      cause,
    })
  }
}

function reasonOf(
  errno: string | undefined,
  { path, controller }: { path: string; controller: string },
): string | undefined {
  if (errno === 'EBUSY' && controller === 'memory') {
    const usage = readCgroupFile(path, 'memory.usage_in_bytes')?.trim()
    return `more is in use${usage ? ` (${usage} bytes)` : ''} than the limit allows, and the kernel could not free enough`
  }
  if (errno === 'ENOSPC' && controller === 'cpuset')
    return 'processes are in it, or in one below, and must keep a CPU and a memory node'
  if (errno === 'EBUSY') return 'what it would change is in use; on v2 also by processes in a cgroup above'
  if (errno === 'EROFS') return 'the cgroup file system is mounted read-only here'
  if (errno === 'EINVAL') return 'the kernel does not take this value; a cgroup above may allow less'
  if (errno === 'EACCES' || errno === 'EPERM')
    return 'the value may not be set from here, or a cgroup above does not allow it'
  return undefined
}
