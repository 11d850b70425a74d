export type { SandboxedProcess, Stdio } from './command.ts'
export type { NetworkEvent } from './egress/report.ts'
export type { SandboxEventName, SandboxEvents } from './events.ts'
export type { LayerOptions } from './layer-options.ts'
export type { ApplyOptions, ApplyResult, Backend, Change, Differing, DiffOptions, Shown } from './layers/index.ts'
export type { SandboxOptions } from './options.ts'
export { SandboxError, type SandboxResult } from './result.ts'
export {
  type LayerInfo,
  type RunOptions,
  type Sandbox,
  type SandboxSettings,
  type SpawnOptions,
  sandbox,
} from './sandbox.ts'
