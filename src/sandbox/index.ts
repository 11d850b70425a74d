export type { HeldLimit, LimitName } from '../container/hold/amounts.ts'
export type { LayerInfo, Sandbox, SandboxSettings } from './api.ts'
export type { Backend } from './backends.ts'
export type { Input, RunOptions, SandboxedProcess, ShellOptions, ShellRunOptions, SpawnOptions, Stdio } from './call.ts'
export { type Ceiling, type CeilingOptions, ceiling } from './ceiling.ts'
export { type Check, check, type Problem } from './check.ts'
export { commandLine } from './command-line.ts'
export type { Denial, DenialKind } from './denials/shape.ts'
export type { NetworkEvent } from './egress/report.ts'
export type { EndingOptions } from './ending.ts'
export type { LimitEvent, SandboxEventName, SandboxEvents } from './events.ts'
export type { LayerOptions } from './layer-options.ts'
export type {
  ApplyEvent,
  ApplyOptions,
  ApplyResult,
  Change,
  Differing,
  DiffOptions,
  RollBackResult,
  Shown,
} from './layers/index.ts'
export type { SandboxOptions } from './options.ts'
export { SandboxError, type SandboxResult } from './result.ts'
export { sandbox } from './sandbox.ts'
export { Shell } from './shell.ts'
export { argv, script } from './words.ts'
