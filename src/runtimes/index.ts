/** Runtimes by name: `import { … } from 'usnea/runtimes'`. */
export { readHost } from '../host/host.ts'
export type { OciEntry, ResolvedOci, ResolvedRuntime, RuntimeEntry, ShimEntry } from './entry.ts'
export { isPermissibleShim, STOCK_RUNTIME, STOCK_SHIM, shimBinary } from './names.ts'
export { LiveRegistry, openRegistry, type RegistryChange, type RegistryOptions, wrapperDirectory } from './open.ts'
export { buildRegistry, type Registry, type RegistryFacts } from './registry.ts'
export { findRuntime, resolveRuntime } from './resolve.ts'
export { type SweepWish, sweepWrappers, type WrapperPlace, wrapperFor } from './wrapper.ts'
