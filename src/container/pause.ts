/** pause and resume: the processes of a container stand still, and go on. */
import { RuntimeError } from '../base/errors.ts'
import { freeze, thaw } from '../linux/cgroups/freezer.ts'
import type { ContainerRecord } from '../state/record.ts'
import { openSlot } from '../state/store.ts'
import type { Context } from './context.ts'
import { parseId } from './id.ts'
import { type Status, statusOf } from './oci-state.ts'

/** @throws RuntimeError `container-missing`, `container-not-running`, `cgroup-missing`, `freeze-failed` */
export async function pause(ctx: Context, id: string): Promise<void> {
  await withStatus(ctx, id, async (record, status) => {
    if (status !== 'running' && status !== 'created') throw new RuntimeError('container-not-running')
    await freeze(record.cgroup)
  })
}

/** @throws RuntimeError `container-missing`, `container-not-paused`, `cgroup-missing`, `freeze-failed` */
export async function resume(ctx: Context, id: string): Promise<void> {
  await withStatus(ctx, id, async (record, status) => {
    if (status !== 'paused') throw new RuntimeError('container-not-paused')
    thaw(record.cgroup)
  })
}

type Action = (record: ContainerRecord, status: Status) => Promise<void>

async function withStatus(ctx: Context, id: string, action: Action): Promise<void> {
  const slot = await openSlot(ctx.root, parseId(id))
  try {
    const record = slot.load()
    if (!record) throw new RuntimeError('container-missing')
    await action(record, statusOf(record, ctx.host, ctx.root))
  } finally {
    slot.unlock()
  }
}
