/** create and start in one. In the foreground it stays until the program ends, and takes the container away. */
import { Dispose } from '../base/dispose.ts'
import { isRuntimeError } from '../base/errors.ts'
import type { ContainerId } from '../base/ids.ts'
import type { ContainerRecord } from '../state/record.ts'
import { openSlot, type Slot } from '../state/store.ts'
import type { Context } from './context.ts'
import { begin, type CreateOptions, type Creation } from './create.ts'
import { destroy } from './delete.ts'
import { attend, FOREGROUND_STDIO, INHERITED_STDIO } from './foreground.ts'
import { runPoststart } from './hooks.ts'
import { hookState } from './oci-state.ts'
import { writePidFile } from './pid-file.ts'

export interface RunOptions extends CreateOptions {
  readonly detach?: boolean
  /** Leave the container behind when the program has ended. */
  readonly keep?: boolean
}

/** @returns the exit status of the program, 0 when detached */
export async function run(ctx: Context, options: RunOptions): Promise<number> {
  await using undo = new Dispose()
  const stdio = options.detach ? INHERITED_STDIO : FOREGROUND_STDIO
  const creation = await begin(ctx, { ...options, stdio, gate: false, detached: options.detach ?? false }, undo)
  const { slot, record, child } = creation
  if (options.pidFile !== undefined) writePidFile(options.pidFile, record.pid)
  if (options.detach) {
    await child.go(hookState(record, 'created'))
    await runPoststart(record, ctx)
    undo.disarm()
    slot.unlock()
    return 0
  }
  return await foreground(ctx, { creation, undo, keep: options.keep ?? false })
}

interface Foreground {
  readonly creation: Creation
  readonly undo: Dispose
  readonly keep: boolean
}

async function foreground(ctx: Context, { creation, undo, keep }: Foreground): Promise<number> {
  const { slot, record, child } = creation
  const onStarted = () => poststart(creation, ctx)
  const status = await attend(child, { state: hookState(record, 'created'), maps: record.maps, onStarted })
  undo.disarm()
  slot.unlock()
  if (!keep) await takeAway(ctx, record)
  return status
}

/** With the lock again: somebody else may have deleted it meanwhile, and have made another one of the same name. */
async function takeAway(ctx: Context, record: ContainerRecord): Promise<void> {
  let slot: Slot
  try {
    slot = await openSlot(ctx.root, record.id as ContainerId)
  } catch (error) {
    if (isRuntimeError(error, 'container-missing')) return
    throw error
  }
  try {
    const now = slot.load()
    if (now?.pid === record.pid && now.startTime === record.startTime) await destroy(slot, now, ctx)
  } finally {
    slot.unlock()
  }
}

/** Others may look at, signal or delete the container from now on, so the lock is only for its beginning. */
async function poststart({ slot, record }: Creation, ctx: Context): Promise<void> {
  await runPoststart(record, ctx)
  slot.unlock()
}
