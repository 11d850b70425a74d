import { processesOf } from '../host/process.ts'
import { loadRecord } from '../state/store.ts'
import type { Context } from './context.ts'
import { parseId } from './id.ts'
import { isAlive } from './oci-state.ts'
import { hasPrivatePids } from './process.ts'

/** Pids of the container's processes, as we see them; none when it has stopped. Without a cgroup the pid namespace tells who belongs to it. */
export async function ps(ctx: Context, id: string): Promise<number[]> {
  const record = loadRecord(ctx.root, parseId(id))
  if (!isAlive(record, ctx.host)) return []
  return processesOf(record.pid, hasPrivatePids(record)).sort((a, b) => a - b)
}
