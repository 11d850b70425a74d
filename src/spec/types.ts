/**
 * The words of config.json: runtime-spec 1.3, the part for Linux. Optional here is what the specification leaves optional;
 * a value of these types was either checked by `validate` or written by ourselves. Other platforms' sections are ignored.
 */
import type { HookName, memoryModeNames, NamespaceType } from './names.ts'
import type { Resources } from './resources.ts'
import type { Seccomp } from './seccomp.ts'

export type * from './resources.ts'
export type * from './seccomp.ts'

export interface Spec {
  /** Version of the specification that the document was written for, as semver. */
  readonly ociVersion: string
  readonly root?: Root
  readonly process?: Process
  readonly hostname?: string
  readonly domainname?: string
  /** Made in this order. */
  readonly mounts?: readonly Mount[]
  readonly hooks?: Hooks
  readonly annotations?: Readonly<Record<string, string>>
  readonly linux?: Linux
  /** Only for runtimes that make virtual machines. */
  readonly vm?: Readonly<Record<string, unknown>>
}

export interface Root {
  /** Absolute, or relative to the bundle directory. */
  readonly path: string
  readonly readonly?: boolean
}

export interface Process {
  readonly terminal?: boolean
  /** Means something only with `terminal`. */
  readonly consoleSize?: ConsoleSize
  /** Uid 0 and gid 0 when absent. */
  readonly user?: User
  /** The program and its arguments; checked to be there, because nothing can be started without it. */
  readonly args: readonly string[]
  /** `NAME=value`; of two with the same name the later wins. */
  readonly env?: readonly string[]
  /** Absolute, inside the container. */
  readonly cwd: string
  readonly capabilities?: Capabilities
  readonly rlimits?: readonly Rlimit[]
  readonly noNewPrivileges?: boolean
  readonly apparmorProfile?: string
  readonly selinuxLabel?: string
  /** -1000 to 1000, see proc_pid_oom_score_adj(5). */
  readonly oomScoreAdj?: number
  readonly scheduler?: Scheduler
  readonly ioPriority?: IoPriority
  /** Only for `exec`; the first process of a container ignores it. */
  readonly execCPUAffinity?: ExecCpuAffinity
}

export interface ConsoleSize {
  /** Characters. */
  readonly height: number
  readonly width: number
}

export interface User {
  /** Ids inside the container; absent is 0. */
  readonly uid?: number
  readonly gid?: number
  /** 0 to 0777, already a number (not octal text). */
  readonly umask?: number
  readonly additionalGids?: readonly number[]
  readonly username?: string
}

/** Names such as `CAP_CHOWN`, see capabilities(7). */
export interface Capabilities {
  readonly bounding?: readonly string[]
  readonly effective?: readonly string[]
  readonly inheritable?: readonly string[]
  readonly permitted?: readonly string[]
  readonly ambient?: readonly string[]
}

/** See getrlimit(2). Values are doubles after JSON: convert them with `uint64` of `integers.ts`, never with BigInt alone. */
export interface Rlimit {
  /** Such as `RLIMIT_NOFILE`. */
  readonly type: string
  readonly soft: number
  readonly hard: number
}

/** See sched_setattr(2). */
export interface Scheduler {
  readonly policy:
    | 'SCHED_OTHER'
    | 'SCHED_FIFO'
    | 'SCHED_RR'
    | 'SCHED_BATCH'
    | 'SCHED_ISO'
    | 'SCHED_IDLE'
    | 'SCHED_DEADLINE'
  readonly nice?: number
  readonly priority?: number
  readonly flags?: readonly string[]
  /** Nanoseconds, as `deadline` and `period`. */
  readonly runtime?: number
  readonly deadline?: number
  readonly period?: number
}

/** See ioprio_set(2). */
export interface IoPriority {
  readonly class: 'IOPRIO_CLASS_RT' | 'IOPRIO_CLASS_BE' | 'IOPRIO_CLASS_IDLE'
  /** 0 (first) to 7 (last). */
  readonly priority?: number
}

/** CPU lists such as `0-3,7`. */
export interface ExecCpuAffinity {
  readonly initial?: string
  readonly final?: string
}

export interface Mount {
  /** Absolute, inside the container; relative (deprecated) means relative to `/`. */
  readonly destination: string
  readonly type?: string
  /** A device, a name, or for a bind a path: absolute or relative to the bundle. */
  readonly source?: string
  readonly options?: readonly string[]
  readonly uidMappings?: readonly IdMapping[]
  readonly gidMappings?: readonly IdMapping[]
}

export type Hooks = { readonly [Name in HookName]?: readonly Hook[] }

export interface Hook {
  /** Absolute; in the container only for `startContainer`. */
  readonly path: string
  /** The whole argument vector, argv[0] included. */
  readonly args?: readonly string[]
  readonly env?: readonly string[]
  /** Seconds, more than 0. */
  readonly timeout?: number
}

export interface Linux {
  readonly namespaces?: readonly Namespace[]
  readonly uidMappings?: readonly IdMapping[]
  readonly gidMappings?: readonly IdMapping[]
  readonly timeOffsets?: TimeOffsets
  readonly devices?: readonly Device[]
  /** Keyed by the interface's name on the host. */
  readonly netDevices?: Readonly<Record<string, NetDevice>>
  readonly cgroupsPath?: string
  readonly resources?: Resources
  readonly intelRdt?: IntelRdt
  readonly memoryPolicy?: MemoryPolicy
  readonly sysctl?: Readonly<Record<string, string>>
  readonly seccomp?: Seccomp
  readonly rootfsPropagation?: RootfsPropagation
  readonly maskedPaths?: readonly string[]
  readonly readonlyPaths?: readonly string[]
  readonly mountLabel?: string
  readonly personality?: Personality
}

export interface Namespace {
  readonly type: NamespaceType
  /** Join this one instead of making a new one; absent or empty is new. */
  readonly path?: string
}

/** One line of a uid_map or gid_map, see user_namespaces(7). */
export interface IdMapping {
  /** First id inside. */
  readonly containerID: number
  /** First id in the namespace that the runtime runs in. */
  readonly hostID: number
  /** How many ids. */
  readonly size: number
}

/** See time_namespaces(7). */
export interface TimeOffsets {
  readonly monotonic?: TimeOffset
  readonly boottime?: TimeOffset
}

export interface TimeOffset {
  readonly secs?: number
  readonly nanosecs?: number
}

export interface Device {
  readonly path: string
  /** Character, block, unbuffered character (the same as `c`), fifo. */
  readonly type: 'c' | 'b' | 'u' | 'p'
  /** Required unless the type is `p`. */
  readonly major?: number
  readonly minor?: number
  /** Permission bits; callers sometimes leave the type bits (S_IFMT) in. */
  readonly fileMode?: number
  readonly uid?: number
  readonly gid?: number
}

export interface NetDevice {
  /** Name inside the container; the host's name when absent. */
  readonly name?: string
}

export interface IntelRdt {
  readonly closID?: string
  readonly schemata?: readonly string[]
  readonly l3CacheSchema?: string
  readonly memBwSchema?: string
  readonly enableMonitoring?: boolean
}

/** See set_mempolicy(2). */
export interface MemoryPolicy {
  readonly mode: (typeof memoryModeNames)[number]
  /** A list such as `0,2-3`. */
  readonly nodes?: string
  readonly flags?: readonly string[]
}

export type RootfsPropagation =
  | ''
  | 'private'
  | 'rprivate'
  | 'shared'
  | 'rshared'
  | 'slave'
  | 'rslave'
  | 'unbindable'
  | 'runbindable'

/** See personality(2). */
export interface Personality {
  readonly domain: 'LINUX' | 'LINUX32'
  readonly flags?: readonly string[]
}
