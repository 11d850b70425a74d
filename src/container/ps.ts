import { processesOf } from '../host/process.ts'
import { membersOf } from '../linux/cgroups/members.ts'
import { loadRecord } from '../state/read-record.ts'
import type { Context } from './context.ts'
import { parseId } from './id.ts'
import { isAlive } from './oci-state.ts'
import { hasPrivatePids } from './process.ts'

/** Pids of the container's processes, as we see them; none when it has stopped. The cgroup tells who belongs to it, or without one the pid namespace. */
export async function ps(ctx: Context, id: string): Promise<number[]> {
  const record = loadRecord(ctx.root, parseId(id))
  if (!isAlive(record, ctx.host)) return []
  if (record.cgroup.manager !== 'none') return membersOf(record.cgroup)
  return processesOf(record.pid, hasPrivatePids(record)).sort((a, b) => a - b)
}
