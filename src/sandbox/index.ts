export type { SandboxedProcess, Stdio } from './command.ts'
export type { SandboxOptions } from './options.ts'
export { SandboxError, type SandboxResult } from './result.ts'
export { type RunOptions, type Sandbox, type SpawnOptions, sandbox } from './sandbox.ts'
