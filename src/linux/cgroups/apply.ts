/** Writes limits into the directories of a container's cgroup. */
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { hasCgroupFile, readCgroupFile, writeCgroupFile } from './files.ts'
import { notHeld } from './limits/held.ts'
import type { Write } from './limits/write.ts'
import { homeOfController, type ManagedCgroup, unifiedHome } from './record.ts'
import { refusalOf } from './refusals.ts'

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
    return notHad(path, { file, value }, write)
  } catch (cause) {
    const errno = errnoOf(cause)
    const refusal = refusalOf(errno, write.controller)
    const usage = errno === 'EBUSY' && readCgroupFile(path, 'memory.usage_in_bytes')?.trim()
    return new RuntimeError('cgroup-limit', {
      what: `cannot set the ${write.controller} limit: failed to write ${JSON.stringify(value)} to ${path}/${file}`,
      ...(errno ? { errno } : {}),
      ...refusal,
      ...(usage && refusal.why ? { why: `${refusal.why} (${usage} bytes)` } : {}),
      origin: write.origin,
      cause,
    })
  }
}

/** The kernel takes some values of cpuset and then goes by others: cgroup-v2.rst, "Cpuset Interface Files". */
function notHad(path: string, choice: Write['choices'][number], write: Write): RuntimeError | undefined {
  const why = write.version === 2 ? notHeld(choice, (file) => readCgroupFile(path, file)) : undefined
  if (why === undefined) return undefined
  return new RuntimeError('cgroup-limit', {
    what: `cannot set the ${write.controller} limit: ${JSON.stringify(choice.value)} in ${path}/${choice.file} does not hold`,
    why,
    fix: 'name what the cgroup above has too',
    origin: write.origin,
  })
}
