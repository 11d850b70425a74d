/** The library's front door. */
export { type Code, isRuntimeError, RuntimeError } from './base/errors.ts'
export type { Degradation } from './base/issue.ts'
export * from './sandbox/index.ts'
