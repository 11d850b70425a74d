/** `checkBeforeUpdate`: a limit below what is in use would kill; the caller wants an error instead. */
import { RuntimeError } from '../../base/errors.ts'
import type { MemoryLimits } from '../../spec/types.ts'
import { readCgroupFile } from './files.ts'
import { homeOfController, type ManagedCgroup } from './record.ts'

/** v1 refuses such a limit by itself, with EBUSY. @throws RuntimeError `cgroup-limit` */
export function checkUsage(record: ManagedCgroup, { limit = 0, swap = 0 }: MemoryLimits): void {
  const home = homeOfController(record, 'memory')
  if (home?.version !== 2) return
  const [usage, swapped] = ['memory.current', 'memory.swap.current'].map((file) =>
    Number(readCgroupFile(home.path, file) ?? 0),
  )
  const origin = '/linux/resources/memory'
  const refuse = (name: string, value: number, used: number) =>
    new RuntimeError('cgroup-limit', { what: `rejecting ${name} limit ${value} < usage ${used}`, origin })
  if (swap > 0 && swap < (usage ?? 0) + (swapped ?? 0)) throw refuse('memory+swap', swap, (usage ?? 0) + (swapped ?? 0))
  if (limit > 0 && limit < (usage ?? 0)) throw refuse('memory', limit, usage ?? 0)
}
