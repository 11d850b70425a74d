/** Each runtime of a registry as it is now: is its program there, and what does it say of itself? */
import { isRuntimeError } from '../base/errors.ts'
import type { ResolvedRuntime, RuntimeEntry } from './entry.ts'
import type { FeaturesAnswer } from './features.ts'
import { type FeaturesWish, featuresOf } from './features-cache.ts'
import type { Registry } from './registry.ts'
import { findRuntime, resolveRuntime } from './resolve.ts'

export interface Survey {
  readonly name: string
  readonly entry: RuntimeEntry
  readonly isDefault: boolean
  /** Undefined where its program is not there. */
  readonly resolved: ResolvedRuntime | undefined
  /** Why not. */
  readonly missing: string | undefined
  /** Of an OCI runtime that was asked. */
  readonly features: FeaturesAnswer | undefined
}

/** By name, or all of them, with a default one that nobody configured. @throws RuntimeError `runtime-unknown` */
export function survey(registry: Registry, name?: string): Survey[] {
  const names = name === undefined ? new Set([...registry.runtimes.keys(), registry.defaultName]) : [name]
  return [...names].map((one) => surveyOne(registry, one))
}

function surveyOne(registry: Registry, name: string): Survey {
  const entry = findRuntime(name, registry)
  const known = { name, entry, isDefault: name === registry.defaultName, features: undefined }
  try {
    return { ...known, resolved: resolveRuntime(name, registry), missing: undefined }
  } catch (failure) {
    if (!isRuntimeError(failure)) throw failure
    return { ...known, resolved: undefined, missing: failure.message }
  }
}

/** All at once, each with a deadline of its own: one that hangs holds up nobody. */
export function withFeatures(surveys: readonly Survey[], wish: FeaturesWish): Promise<Survey[]> {
  return Promise.all(
    surveys.map(async (one) =>
      one.resolved?.kind === 'oci' ? { ...one, features: await featuresOf(one.resolved, wish) } : one,
    ),
  )
}

/** Why a runtime cannot be used, or undefined. A shim is not asked: it has no verb for that. */
export function whyUnfit({ missing, features }: Survey): string | undefined {
  return missing ?? (features?.kind === 'failed' ? features.reason : undefined)
}
