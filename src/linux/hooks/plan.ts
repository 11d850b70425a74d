/** Hooks that init runs itself, because they belong into the container's namespaces. */
import type { Op } from '../../kernel/plan.ts'
import type { HookName } from '../../spec/names.ts'
import type { Spec } from '../../spec/types.ts'

export function planHooks(spec: Spec, name: HookName, fallbackEnv: readonly string[]): Op[] {
  return (spec.hooks?.[name] ?? []).map((hook, i) => ({
    op: 'hook',
    path: hook.path,
    args: hook.args && hook.args.length > 0 ? hook.args : [hook.path],
    env: hook.env ?? fallbackEnv,
    timeoutMs: (hook.timeout ?? 0) * 1000,
    origin: `/hooks/${name}/${i}`,
  }))
}

/** Does anything have to run between the building of the root and the step into it? */
export function hasCreateHooks(spec: Spec): boolean {
  return (['prestart', 'createRuntime', 'createContainer'] as const).some(
    (name) => (spec.hooks?.[name] ?? []).length > 0,
  )
}
