/** What can be asked of the task service: by its callers in Node, and word for word over its socket. */

import type { Event } from './events/event.ts'
import type { TaskStatus } from './protobuf/task.ts'
import type { TaskIo } from './record.ts'

export interface Target {
  readonly namespace: string
  readonly id: string
}

export interface ProcessTarget extends Target {
  /** Absent or empty: the container's first process. */
  readonly execId?: string
}

/** `fifo`: for somebody who attaches. `log`: into a file. `null`: nowhere. Or `given`, as shims take them. */
export interface IoWish {
  readonly kind: 'fifo' | 'log' | 'null' | 'given'
  readonly terminal?: boolean
  readonly stdin?: boolean
  readonly paths?: { readonly stdin: string; readonly stdout: string; readonly stderr: string }
}

/** Options of runc's shim and ours; others take what `typeUrl` says. */
export interface ShimOptions {
  readonly binaryName?: string
  /** Where the OCI runtime keeps its state; shims append the namespace. */
  readonly root?: string
  readonly systemdCgroup?: boolean
  readonly noPivotRoot?: boolean
  readonly noNewKeyring?: boolean
  readonly typeUrl?: string
  /** Base64; with `typeUrl`. */
  readonly value?: string
}

export interface MountWish {
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}

export interface CreateWish extends Target {
  /** config.json, base64: it reaches the shim byte for byte. */
  readonly spec: string
  /** A runtime's name; a shim's type, such as `io.containerd.runc.v2`, or its absolute path. Absent: the default one. */
  readonly runtime?: string
  readonly options?: ShimOptions
  readonly rootfs?: readonly MountWish[]
  readonly io: IoWish
  /** A directory with an image to restore. */
  readonly checkpoint?: string
  readonly labels?: Readonly<Record<string, string>>
}

export interface ExecWish extends Target {
  readonly execId: string
  /** `process` of config.json. */
  readonly process: object
  readonly io: IoWish
}

export interface ExitInfo {
  readonly pid: number
  /** 128 and the number of the signal, where one ended it. */
  readonly exitStatus: number
  readonly exitedAt: string
}

export interface TaskInfo extends Target {
  readonly pid: number
  /** `unknown`: the shim does not answer, see `problem`. */
  readonly status: TaskStatus
  readonly bundle: string
  readonly runtime: string
  readonly created: string
  readonly io: TaskIo
  readonly exit?: ExitInfo
  readonly problem?: string
  readonly shimPid: number
  readonly labels: Readonly<Record<string, string>>
}

export interface EventsWish {
  readonly namespace: string
  /** The first number that is wanted: 0 is the oldest that is kept, `last + 1` the next one. */
  readonly from: number
  readonly most?: number
  /** Wait until there is one. */
  readonly wait?: boolean
}

export interface EventsAnswer {
  readonly events: readonly Event[]
  /** For the next call. */
  readonly next: number
}

export interface ServiceInfo {
  readonly pid: number
  readonly version: string
  /** What is wrong and goes on: damaged bundles, a full disk. */
  readonly problems: readonly string[]
}

/** Every call fails with a RuntimeError. `gone`: the caller does not wait any more. */
export interface Tasks {
  info(wish: object): Promise<ServiceInfo>
  create(wish: CreateWish): Promise<TaskInfo>
  start(wish: ProcessTarget): Promise<{ readonly pid: number }>
  exec(wish: ExecWish): Promise<{ readonly io: TaskIo }>
  state(wish: Target): Promise<TaskInfo>
  list(wish: { readonly namespace: string }): Promise<readonly TaskInfo[]>
  namespaces(wish: object): Promise<readonly string[]>
  kill(wish: ProcessTarget & { readonly signal: number; readonly all?: boolean }): Promise<object>
  pause(wish: Target): Promise<object>
  resume(wish: Target): Promise<object>
  pids(wish: Target): Promise<readonly { readonly pid: number; readonly execId?: string }[]>
  wait(wish: ProcessTarget, gone?: AbortSignal): Promise<ExitInfo>
  /** Of an exec: it alone. `force` ends what still runs. */
  delete(wish: ProcessTarget & { readonly force?: boolean }): Promise<ExitInfo>
  resize(wish: ProcessTarget & { readonly width: number; readonly height: number }): Promise<object>
  closeInput(wish: ProcessTarget): Promise<object>
  checkpoint(wish: Target & { readonly path: string; readonly exit?: boolean }): Promise<object>
  update(wish: Target & { readonly resources: object }): Promise<object>
  stats(wish: Target): Promise<{ readonly type: string; readonly metrics: object }>
  events(wish: EventsWish, gone?: AbortSignal): Promise<EventsAnswer>
  /** An event of a shim, or of anybody. `event`: google.protobuf.Any, base64. */
  publish(wish: { readonly namespace: string; readonly topic: string; readonly event: string }): Promise<object>
}

export const API_SERVICE = 'usnea.tasks.v1.Tasks'

export const apiMethods = [
  ...['info', 'create', 'start', 'exec', 'state', 'list', 'namespaces', 'kill', 'pause', 'resume', 'pids', 'wait'],
  ...['delete', 'resize', 'closeInput', 'checkpoint', 'update', 'stats', 'events', 'publish'],
] as unknown as readonly (keyof Tasks)[]
