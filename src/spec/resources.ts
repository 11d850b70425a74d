/** The words of `linux.resources`: limits that a cgroup sets. Re-exported by `types.ts`. */

export interface Resources {
  readonly devices?: readonly DeviceRule[]
  readonly memory?: MemoryLimits
  readonly cpu?: CpuLimits
  readonly pids?: PidLimits
  readonly blockIO?: BlockIoLimits
  readonly hugepageLimits?: readonly HugepageLimit[]
  readonly network?: NetworkClass
  /** Keyed by device, such as `mlx5_1`. */
  readonly rdma?: Readonly<Record<string, RdmaLimits>>
  /** File name in the cgroup2 directory to its text, written as it is. */
  readonly unified?: Readonly<Record<string, string>>
}

export interface DeviceRule {
  readonly allow: boolean
  /** All when absent. */
  readonly type?: 'a' | 'b' | 'c' | 'u' | 'p'
  readonly major?: number
  readonly minor?: number
  /** Of `r`, `w` and `m` (mknod). */
  readonly access?: string
}

/** Bytes; -1 is unlimited. */
export interface MemoryLimits {
  readonly limit?: number
  readonly reservation?: number
  /** Memory and swap together. */
  readonly swap?: number
  readonly kernel?: number
  readonly kernelTCP?: number
  readonly swappiness?: number
  readonly disableOOMKiller?: boolean
  readonly useHierarchy?: boolean
  readonly checkBeforeUpdate?: boolean
}

export interface CpuLimits {
  readonly shares?: number
  /** Microseconds a period. */
  readonly quota?: number
  /** Microseconds. */
  readonly burst?: number
  readonly period?: number
  readonly realtimeRuntime?: number
  readonly realtimePeriod?: number
  /** Lists such as `0-3,7`. */
  readonly cpus?: string
  readonly mems?: string
  readonly idle?: number
}

export interface PidLimits {
  /** -1 is unlimited; 0 is a real limit of zero since 1.3. */
  readonly limit?: number
}

export interface BlockIoLimits {
  readonly weight?: number
  readonly leafWeight?: number
  readonly weightDevice?: readonly WeightDevice[]
  readonly throttleReadBpsDevice?: readonly ThrottleDevice[]
  readonly throttleWriteBpsDevice?: readonly ThrottleDevice[]
  readonly throttleReadIOPSDevice?: readonly ThrottleDevice[]
  readonly throttleWriteIOPSDevice?: readonly ThrottleDevice[]
}

export interface WeightDevice {
  readonly major: number
  readonly minor: number
  readonly weight?: number
  readonly leafWeight?: number
}

export interface ThrottleDevice {
  readonly major: number
  readonly minor: number
  /** Bytes or operations a second. */
  readonly rate: number
}

export interface HugepageLimit {
  /** Such as `2MB`. */
  readonly pageSize: string
  /** Bytes. */
  readonly limit: number
}

export interface NetworkClass {
  readonly classID?: number
  readonly priorities?: readonly { readonly name: string; readonly priority: number }[]
}

export interface RdmaLimits {
  readonly hcaHandles?: number
  readonly hcaObjects?: number
}
