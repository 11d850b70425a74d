/** The end of a foreground run: removes the container that it made, and no other one of the same name. */
import { isRuntimeError } from '../base/errors.ts'
import type { ContainerId } from '../base/ids.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Slot } from '../state/slot.ts'
import { openSlot } from '../state/store.ts'
import type { Context } from './context.ts'
import { destroy } from './delete.ts'
import { parseId } from './id.ts'

/** The name of a container that is never given to a second one. */
export type Identity = Pick<ContainerRecord, 'id' | 'pid' | 'startTime'>

/** With the lock again: somebody else may have deleted it meanwhile, and have made another one of the same name. */
export async function takeAway(ctx: Context, { id, pid, startTime }: Identity): Promise<void> {
  let slot: Slot
  try {
    slot = await openSlot(ctx.root, id as ContainerId)
  } catch (error) {
    if (isRuntimeError(error, 'container-missing')) return
    throw error
  }
  try {
    const now = slot.load()
    if (now?.pid === pid && now.startTime === startTime) await destroy(slot, now, ctx)
  } finally {
    slot.unlock()
  }
}

/** The words behind the global options that do the same in another process. */
export const takeAwayWords = ({ id, pid, startTime }: Identity): string[] => [
  'delete',
  '--ended',
  `${pid}:${startTime}`,
  id,
]

/** The other side of `takeAwayWords`. Nothing is said when there is nothing to remove. */
export async function removeEnded(ctx: Context, id: string, ended: string): Promise<void> {
  const [pid = '', startTime = ''] = ended.split(':')
  await takeAway(ctx, { id: parseId(id), pid: Number(pid), startTime })
}
