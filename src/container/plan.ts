import type { Plan } from '../kernel/plan.ts'
import type { Context } from './context.ts'
import { passedFds } from './descriptors.ts'
import { prepareFor } from './prepare-for.ts'

export interface ExplainOptions {
  readonly bundle: string
  readonly config?: string
  readonly noPivot?: boolean
  readonly preserveFds?: number
  readonly noNewKeyring?: boolean
  /** As `run` would do it, which does not wait for a start. */
  readonly gate?: boolean
  readonly detached?: boolean
}

/** What create would do, and what it would do in a weaker form. Makes nothing. */
export async function explain(ctx: Context, options: ExplainOptions): Promise<Plan> {
  const passed = passedFds(ctx.host, options.preserveFds ?? 0)
  const keep = { keepFds: passed.fds.length, listenFds: passed.listenFds }
  const { plan, degradations } = await prepareFor(ctx, {
    id: 'ID',
    gate: true,
    detached: true,
    notify: undefined,
    ...options,
    ...keep,
  })
  return { ops: plan.ops, degradations }
}
