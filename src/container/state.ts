import { loadRecord } from '../state/read-record.ts'
import type { Context } from './context.ts'
import { parseId } from './id.ts'
import type { Limit } from './limit.ts'
import { limitsOf } from './limits.ts'
import { type ContainerState, stateOf } from './oci-state.ts'

export type { ContainerState, Status } from './oci-state.ts'

/** With what holds each limit that was asked for. */
export interface LimitedState extends ContainerState {
  readonly limits?: readonly Limit[]
}

/** OCI state. @throws RuntimeError `container-missing`, `state-corrupt`, `state-future` */
export async function state(ctx: Context, id: string): Promise<LimitedState> {
  const record = loadRecord(ctx.root, parseId(id))
  return { ...stateOf(record, ctx.host, ctx.root), limits: limitsOf(record, ctx) }
}
