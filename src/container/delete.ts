/** OCI delete: undoes what create did, then runs the poststop hooks. */
import { isRuntimeError, RuntimeError } from '../base/errors.ts'
import { takeCgroup } from '../linux/cgroups/scope.ts'
import { removeRdt } from '../linux/rdt/manager.ts'
import { keptCgroup } from '../state/kept-cgroup.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Slot } from '../state/slot.ts'
import { openSlot } from '../state/store.ts'
import type { Context } from './context.ts'
import { runPoststop } from './hooks.ts'
import { parseId } from './id.ts'
import { statusOf } from './oci-state.ts'
import { hasPrivatePids, killContainer } from './process.ts'

export interface RemoveOptions {
  readonly force?: boolean
}

/** @throws RuntimeError `container-missing` (not with force), `container-not-stopped` */
export async function remove(ctx: Context, id: string, options: RemoveOptions = {}): Promise<void> {
  let slot: Slot
  try {
    slot = await openSlot(ctx.root, parseId(id))
  } catch (error) {
    if (options.force && isRuntimeError(error, 'container-missing')) return
    throw error
  }
  try {
    await removeLocked(slot, ctx, options.force ?? false)
  } finally {
    slot.unlock()
  }
}

/** A record that cannot be read belongs to nobody any more: with force its cgroup and its directory go. */
function loadForRemoval(slot: Slot, force: boolean): ContainerRecord | undefined {
  try {
    return slot.load()
  } catch (error) {
    if (force) return undefined
    throw error
  }
}

async function removeLocked(slot: Slot, ctx: Context, force: boolean): Promise<void> {
  const record = loadForRemoval(slot, force)
  if (!record) {
    if (!force) throw new RuntimeError('container-missing')
    const kept = keptCgroup(slot.directory)
    if (kept?.bootId === ctx.host.bootId) {
      await takeCgroup(kept.cgroup, { kill: true, host: ctx.host })
      if (kept.rdt) removeRdt(kept.rdt)
    }
    slot.remove()
    return
  }
  const status = statusOf(record, ctx.host, ctx.root)
  // A created container is killed without force: callers rely on it (runtime-behaviours §6.5).
  if (!force && status !== 'stopped' && status !== 'created') {
    const what = `cannot delete container ${slot.id} that is not stopped: ${status}`
    throw new RuntimeError('container-not-stopped', { what })
  }
  await destroy(slot, record, ctx)
}

/** Processes first, then the cgroup, then the directory: when the id is free again nothing of the old container is left. */
export async function destroy(slot: Slot, record: ContainerRecord, ctx: Context): Promise<void> {
  await killContainer(record, ctx.host)
  // After a reboot the cgroup is gone, and one of that name is somebody else's.
  if (record.bootId === ctx.host.bootId) {
    await takeCgroup(record.cgroup, { kill: !hasPrivatePids(record), host: ctx.host })
    if (record.rdt) removeRdt(record.rdt)
  }
  slot.remove()
  await runPoststop(record, ctx)
}
