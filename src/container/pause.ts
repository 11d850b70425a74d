/** pause and resume: the processes of a container stand still, and go on. */
import { RuntimeError } from '../base/errors.ts'
import { freeze, hasFreezer, thaw } from '../linux/cgroups/freezer.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Slot } from '../state/slot.ts'
import { openSlot } from '../state/store.ts'
import type { Context } from './context.ts'
import { parseId } from './id.ts'
import { type Status, statusOf } from './oci-state.ts'
import { leaveShortcut } from './shortcut.ts'
import { assertKnown, continueAll, stopAll } from './without-cgroup.ts'

/** @throws RuntimeError `container-missing`, `container-not-running`, `cgroup-missing`, `freeze-failed` */
export async function pause(ctx: Context, id: string): Promise<void> {
  await withStatus(ctx, id, async ({ slot, record, status }) => {
    if (status !== 'running' && status !== 'created') throw new RuntimeError('container-not-running')
    if (hasFreezer(record.cgroup) || status === 'created') await freeze(record.cgroup)
    else await stop(slot, record, ctx)
  })
}

/** @throws RuntimeError `container-missing`, `container-not-paused`, `cgroup-missing`, `freeze-failed` */
export async function resume(ctx: Context, id: string): Promise<void> {
  await withStatus(ctx, id, async ({ slot, record, status }) => {
    // One that was continued from outside may have others that still stand.
    if (status !== 'paused' && !(record.stopped && status === 'running')) throw new RuntimeError('container-not-paused')
    if (!record.stopped) return thaw(record.cgroup)
    const now = { ...record, stopped: false }
    slot.save(now)
    leaveShortcut(slot, now, ctx)
    continueAll(record)
  })
}

/** Kept before it acts: what is half stopped is to be found by resume. */
async function stop(slot: Slot, record: ContainerRecord, ctx: Context): Promise<void> {
  assertKnown(record, 'cannot toggle freezer: cgroups not configured for container')
  ctx.warn('without a cgroup its processes are stopped by signals: their parents see it, and others may undo it')
  slot.save({ ...record, stopped: true })
  try {
    await stopAll(record)
  } catch (error) {
    slot.save(record)
    throw error
  }
}

interface Locked {
  readonly slot: Slot
  readonly record: ContainerRecord
  readonly status: Status
}

type Action = (locked: Locked) => Promise<void>

async function withStatus(ctx: Context, id: string, action: Action): Promise<void> {
  const slot = await openSlot(ctx.root, parseId(id))
  try {
    const record = slot.load()
    if (!record) throw new RuntimeError('container-missing')
    await action({ slot, record, status: statusOf(record, ctx.host, ctx.root) })
  } finally {
    slot.unlock()
  }
}
