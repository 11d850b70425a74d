import { isRuntimeError } from '../base/errors.ts'
import { listIds, loadRecord } from '../state/read-record.ts'
import type { Context } from './context.ts'
import { type ContainerState, stateOf } from './oci-state.ts'

export interface Listing {
  readonly containers: ContainerState[]
  /** One bad entry never hides the others. */
  readonly unreadable: { readonly id: string; readonly reason: string }[]
}

export async function list(ctx: Context): Promise<Listing> {
  const listing: Listing = { containers: [], unreadable: [] }
  for (const id of listIds(ctx.root)) {
    try {
      listing.containers.push(stateOf(loadRecord(ctx.root, id), ctx.host, ctx.root))
    } catch (error) {
      // Between mkdir and the first write, or deleted since we looked: no container, and no fault either.
      if (isRuntimeError(error, 'container-missing')) continue
      listing.unreadable.push({ id, reason: error instanceof Error ? error.message : String(error) })
    }
  }
  return listing
}
