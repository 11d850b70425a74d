/** The hooks that run in our own namespaces, each with the OCI state of its moment. */
import { runHook } from '../linux/hooks/run.ts'
import type { HookName } from '../spec/names.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Context } from './context.ts'
import { hookState, type Status } from './oci-state.ts'
import { killContainer } from './process.ts'

interface Moment {
  readonly name: HookName
  readonly status: Status
}

/** One call a hook, in their order, so that a caller decides what a failure means for the rest. */
function callsOf(record: ContainerRecord, { host }: Context, { name, status }: Moment): (() => Promise<void>)[] {
  const state = hookState(record, status)
  return (record.spec.hooks?.[name] ?? []).map(
    (hook, i) => () =>
      runHook(hook, {
        state,
        cwd: record.bundle,
        env: host.env,
        origin: `/hooks/${name}/${i}`,
        isInterruptible: name !== 'poststop',
      }),
  )
}

/** The first that fails ends it. @throws RuntimeError `hook-failed`, `hook-timeout` */
export async function runHooks(record: ContainerRecord, ctx: Context, moment: Moment): Promise<void> {
  for (const call of callsOf(record, ctx, moment)) await call()
}

/**
 * What goes along for the hooks of that kind, which init runs: nothing where there are none, because the annotations in it
 * may be megabytes, and init keeps it in the memory of the container.
 */
export function stateFor(record: ContainerRecord, name: 'createContainer' | 'startContainer'): string {
  if (!record.spec.hooks?.[name]?.length) return ''
  return hookState(record, name === 'createContainer' ? 'creating' : 'created')
}

/** In our namespaces, before the step into the new root; the state goes on to createContainer, which init runs. */
export async function runCreateHooks(record: ContainerRecord, ctx: Context): Promise<string> {
  // Step 3 of the lifecycle comes after step 2, and old hooks know no state before `created`.
  await runHooks(record, ctx, { name: 'prestart', status: 'created' })
  await runHooks(record, ctx, { name: 'createRuntime', status: 'creating' })
  return stateFor(record, 'createContainer')
}

/** A failing one stops the container (runtime-spec 1.3, lifecycle step 9). */
export async function runPoststart(record: ContainerRecord, ctx: Context): Promise<void> {
  try {
    await runHooks(record, ctx, { name: 'poststart', status: 'running' })
  } catch (error) {
    await killContainer(record, ctx.host)
    throw error
  }
}

/** After the container is gone: each hook has its turn, and a failure is only told. */
export async function runPoststop(record: ContainerRecord, ctx: Context): Promise<void> {
  for (const call of callsOf(record, ctx, { name: 'poststop', status: 'stopped' }))
    try {
      await call()
    } catch (error) {
      ctx.warn(error instanceof Error ? error.message : String(error))
    }
}
