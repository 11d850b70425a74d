/** linux.resources as properties of a unit: systemd.resource-control(5). Pure. What has no property goes to the files alone. */
import { uint64 } from '../../../spec/integers.ts'
import type { BlockIoLimits, CpuLimits, MemoryLimits, Resources } from '../../../spec/types.ts'
import { variant } from '../../systemd/encode.ts'
import type { Property } from '../../systemd/manager.ts'
import { ioWeightOf } from './block-io.ts'
import { weightOf, withoutUselessWeight } from './cpu.ts'
import { isSet } from './write.ts'

/** USEC_INFINITY, CGROUP_LIMIT_MAX. */
const INFINITY = 0xffff_ffff_ffff_ffffn
const DEFAULT_PERIOD = 100_000
/** systemd keeps a quota in whole percents of a CPU. */
const PERCENT_USEC = 10_000

export interface SystemdLayout {
  /** Releases differ in what they know. */
  readonly version: number
  /** Are its controllers those of cgroup v1? Then the properties have their old names. */
  readonly isLegacy: boolean
}

const unsigned = (name: string, value: number | bigint): Property => [
  name,
  variant('t', typeof value === 'number' ? uint64(value) : value),
]
const orInfinity = (value: number): bigint => (value < 0 ? INFINITY : uint64(value))

export function limitProperties(resources: Resources, layout: SystemdLayout): Property[] {
  const { memory = {}, cpu = {}, pids = {}, blockIO = {}, unified = {} } = resources
  const all = [
    ...memoryProperties(memory, layout),
    ...cpuProperties(cpu, layout),
    // 0 is no number that it takes, and 1 refuses every fork as well.
    ...(pids.limit === undefined ? [] : [unsigned('TasksMax', orInfinity(pids.limit) || 1n)]),
    ...blockIoProperties(blockIO, layout),
    ...Object.entries(withoutUselessWeight(unified)).flatMap(([file, value]) =>
      unifiedProperties(file, value.trim(), layout),
    ),
  ]
  // A file that is named in `unified` has the last word, here as in the cgroup.
  return [...new Map(all.map((property) => [property[0], property])).values()]
}

function memoryProperties({ limit, swap, reservation }: MemoryLimits, { isLegacy }: SystemdLayout): Property[] {
  if (isLegacy) return isSet(limit) ? [unsigned('MemoryLimit', orInfinity(limit))] : []
  const both = limit === -1 && !isSet(swap) ? -1 : swap
  return [
    ...(isSet(limit) ? [unsigned('MemoryMax', orInfinity(limit))] : []),
    ...(isSet(reservation) ? [unsigned('MemoryLow', orInfinity(reservation))] : []),
    ...(isSet(both) ? [unsigned('MemorySwapMax', orInfinity(both < 0 ? both : both - Math.max(0, limit ?? 0)))] : []),
  ]
}

function cpuProperties(cpu: CpuLimits, layout: SystemdLayout): Property[] {
  const { shares, idle, quota, period, cpus, mems } = cpu
  const isIdle = idle === 1 && layout.version >= 252 && !layout.isLegacy
  const weight = isSet(shares) && idle !== 1
  return [
    ...(isIdle ? [unsigned('CPUWeight', 0)] : []),
    ...(weight && layout.isLegacy ? [unsigned('CPUShares', shares)] : []),
    ...(weight && !layout.isLegacy ? [unsigned('CPUWeight', weightOf(shares))] : []),
    ...(isSet(quota) || isSet(period) ? quotaProperties({ quota, period }, layout) : []),
    ...setProperties({ AllowedCPUs: cpus, AllowedMemoryNodes: mems }, layout),
  ]
}

interface WantedQuota {
  readonly quota: number | undefined
  readonly period: number | undefined
}

function quotaProperties({ quota = 0, period }: WantedQuota, { version }: SystemdLayout): Property[] {
  const perSecond = quota > 0 ? perSecondOf(quota, period || DEFAULT_PERIOD) : INFINITY
  return [
    ...(isSet(period) && version >= 242 ? [unsigned('CPUQuotaPeriodUSec', period)] : []),
    unsigned('CPUQuotaPerSecUSec', perSecond),
  ]
}

const perSecondOf = (quota: number, period: number): number =>
  Math.ceil(Math.floor((quota * 1_000_000) / period) / PERCENT_USEC) * PERCENT_USEC

/**
 * The quota that systemd will keep for this one. The cgroup gets the same: else the next daemon-reload would change it.
 * Microseconds.
 */
export function roundedCpu(cpu: CpuLimits): CpuLimits {
  const { quota, period } = cpu
  if (!isSet(quota) || quota < 0) return cpu
  const each = isSet(period) ? period : DEFAULT_PERIOD
  return { ...cpu, quota: Math.floor((perSecondOf(quota, each) * each) / 1_000_000) }
}

/** Only cgroup v2 has them, since v244. */
function setProperties(lists: Readonly<Record<string, string | undefined>>, layout: SystemdLayout): Property[] {
  if (layout.isLegacy || layout.version < 244) return []
  return Object.entries(lists).flatMap(([name, list]) => (list ? [[name, variant('ay', bitsOf(list))] as const] : []))
}

/** CONFIG_NR_CPUS goes up to 8192. The file of the cgroup refuses what is more. */
const MOST_CPUS = 8191

/** `0-2,5` → bits, the lowest first. */
export function bitsOf(list: string): Uint8Array {
  const numbers = list.split(',').flatMap((part) => {
    const [first = '', last = first] = part.split('-').map((number) => number.trim())
    const [from, to] = [Number(first), Math.min(Number(last), MOST_CPUS)]
    return first === '' ? [] : Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)
  })
  const highest = numbers.reduce((most, number) => Math.max(most, number), 0)
  const bits = new Uint8Array(Math.floor(highest / 8) + 1)
  for (const number of numbers) bits[number >> 3] = (bits[number >> 3] ?? 0) | (1 << (number & 7))
  return bits
}

const throttles = {
  throttleReadBpsDevice: 'IOReadBandwidthMax',
  throttleWriteBpsDevice: 'IOWriteBandwidthMax',
  throttleReadIOPSDevice: 'IOReadIOPSMax',
  throttleWriteIOPSDevice: 'IOWriteIOPSMax',
} as const

function blockIoProperties(io: BlockIoLimits, { isLegacy }: SystemdLayout): Property[] {
  if (isLegacy) return isSet(io.weight) ? [unsigned('BlockIOWeight', io.weight)] : []
  const node = ({ major, minor }: { major: number; minor: number }) => `/dev/block/${major}:${minor}`
  const devices = (io.weightDevice ?? []).flatMap((device) =>
    isSet(device.weight) ? [[node(device), BigInt(ioWeightOf(device.weight))] as const] : [],
  )
  const limits = Object.entries(throttles).flatMap(([key, name]) => {
    const list = (io[key as keyof typeof throttles] ?? []).map(
      (device) => [node(device), device.rate === 0 ? INFINITY : uint64(device.rate)] as const,
    )
    return list.length > 0 ? [[name, variant('a(st)', list)] as const] : []
  })
  return [
    ...(isSet(io.weight) ? [unsigned('IOWeight', ioWeightOf(io.weight))] : []),
    ...(devices.length > 0 ? [['IODeviceWeight', variant('a(st)', devices)] as const] : []),
    ...limits,
  ]
}

const plain: Readonly<Record<string, string>> = {
  'memory.high': 'MemoryHigh',
  'memory.low': 'MemoryLow',
  'memory.max': 'MemoryMax',
  'memory.min': 'MemoryMin',
  'memory.swap.max': 'MemorySwapMax',
  'pids.max': 'TasksMax',
  'cpu.weight': 'CPUWeight',
}

/** What is no number of the kind that a property has, is left to the file, which will say so. */
function unifiedProperties(file: string, value: string, layout: SystemdLayout): Property[] {
  const name = plain[file]
  if (name !== undefined) {
    const number = value === 'max' ? INFINITY : /^\d+$/.test(value) ? BigInt(value) : undefined
    return number === undefined ? [] : [unsigned(name, file === 'pids.max' ? number || 1n : number)]
  }
  const [, quota, period] = (file === 'cpu.max' && /^(max|\d+)(?:\s+(\d+))?$/.exec(value)) || []
  if (quota !== undefined)
    return quotaProperties({ quota: quota === 'max' ? -1 : Number(quota), period: Number(period ?? 0) }, layout)
  if (file === 'cpu.idle' && value === '1' && layout.version >= 252) return [unsigned('CPUWeight', 0)]
  if (file === 'cpuset.cpus' || file === 'cpuset.mems') {
    const key = file === 'cpuset.cpus' ? 'AllowedCPUs' : 'AllowedMemoryNodes'
    return /^[\d,\s-]+$/.test(value) ? setProperties({ [key]: value }, layout) : []
  }
  return []
}
