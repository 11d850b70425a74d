import { runHook } from '../linux/hooks/run.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Context } from './context.ts'
import { hookState, type Status } from './oci-state.ts'

/** The hooks of one kind in their order; the first that fails ends it. */
export async function runStateHooks(
  record: ContainerRecord,
  name: 'poststart' | 'poststop',
  status: Status,
): Promise<void> {
  for (const [i, hook] of (record.spec.hooks?.[name] ?? []).entries())
    await runHook(hook, { state: hookState(record, status), cwd: record.bundle, origin: `/hooks/${name}/${i}` })
}

/** After the container is gone: each hook has its turn, and a failure is only told. */
export async function runPoststop(record: ContainerRecord, ctx: Context): Promise<void> {
  for (const [i, hook] of (record.spec.hooks?.poststop ?? []).entries())
    try {
      await runHook(hook, { state: hookState(record, 'stopped'), cwd: record.bundle, origin: `/hooks/poststop/${i}` })
    } catch (error) {
      ctx.warn(error instanceof Error ? error.message : String(error))
    }
}
