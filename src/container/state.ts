import { loadRecord } from '../state/store.ts'
import type { Context } from './context.ts'
import { parseId } from './id.ts'
import { type ContainerState, stateOf } from './oci-state.ts'

export type { ContainerState, Status } from './oci-state.ts'

/** OCI state. @throws RuntimeError `container-missing`, `state-corrupt`, `state-future` */
export async function state(ctx: Context, id: string): Promise<ContainerState> {
  return stateOf(loadRecord(ctx.root, parseId(id)), ctx.host, ctx.root)
}
