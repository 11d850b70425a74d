/** What is valid by the specification but not built here yet. Every row is an error for the caller: nothing is dropped in silence. */
import { type Issue, unsupported as issue } from '../base/issue.ts'
import { type MountExtension, mountExtension } from './names.ts'
import { child } from './pointer.ts'
import type {
  BlockIoLimits,
  CpuLimits,
  MemoryLimits,
  Mount,
  NetworkClass,
  PidLimits,
  Resources,
  Spec,
} from './types.ts'

/** Findings of severity `unsupported` for a whole, valid configuration. What a cgroup must hold is asked for apart. */
export function unsupported(spec: Spec): Issue[] {
  return [
    ...(spec.mounts ?? []).flatMap((mount, index) => mountRequests(mount, `/mounts/${index}`)),
    ...(isEmpty(spec.vm) ? [] : [issue('/vm', 'a virtual machine')]),
  ]
}

/** Are there rules on which devices the container may use? */
export function hasDeviceRules(resources: Resources = {}): boolean {
  return (resources.devices ?? []).length > 0
}

/** Absent, or present without content: callers write empty strings, lists and objects for "not set". */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === '') return true
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

const builtExtensions: ReadonlySet<MountExtension> = new Set(['tmpcopyup', 'idmap', 'ridmap'])

export const isBuilt = (extension: MountExtension): boolean => builtExtensions.has(extension)

function mountRequests(mount: Mount, pointer: string): Issue[] {
  const extensions = (mount.options ?? []).flatMap((option, index) => {
    const extension = mountExtension(option)
    return extension === undefined || isBuilt(extension)
      ? []
      : [issue(`${pointer}/options/${index}`, `the mount option ${extension}`)]
  })
  return extensions
}

type Keys<T> = readonly (keyof T)[]

/** Not the two of the kernel's own memory: that is counted with the rest, whatever is asked. */
const memory: Keys<MemoryLimits> = ['limit', 'reservation', 'swap', 'swappiness', 'disableOOMKiller']
/** The periods say only what a quota is a part of. */
const cpu: Keys<CpuLimits> = ['shares', 'quota', 'burst', 'realtimeRuntime', 'cpus', 'mems', 'idle']
const pids: Keys<PidLimits> = ['limit']
const blockIO: Keys<BlockIoLimits> = [
  'weight',
  'leafWeight',
  'weightDevice',
  'throttleReadBpsDevice',
  'throttleWriteBpsDevice',
  'throttleReadIOPSDevice',
  'throttleWriteIOPSDevice',
]
const network: Keys<NetworkClass> = ['classID', 'priorities']
const whole: Keys<Resources> = ['hugepageLimits', 'rdma', 'unified']

/** Pointers of every limit that only a cgroup can hold. */
export function limitsAsked(resources: Resources = {}): string[] {
  const pointer = '/linux/resources'
  return [
    ...limits(resources.memory, `${pointer}/memory`, memory),
    ...limits(resources.cpu, `${pointer}/cpu`, cpu),
    ...limits(resources.pids, `${pointer}/pids`, pids),
    ...limits(resources.blockIO, `${pointer}/blockIO`, blockIO),
    ...limits(resources.network, `${pointer}/network`, network),
    ...limits(resources, pointer, whole),
  ]
}

/** Zero is a real value of these; of the others it is what callers write for "not set". */
const zeroCounts: ReadonlySet<string> = new Set(['/linux/resources/pids/limit', '/linux/resources/memory/swappiness'])

/** -1 is "unlimited" wherever it is allowed, and that holds without a cgroup too. */
function limits<T extends object>(section: T | undefined, pointer: string, keys: Keys<T>): string[] {
  return keys
    .map((key) => ({ place: child(pointer, String(key)), value: section?.[key] as unknown }))
    .filter(({ value }) => !isEmpty(value) && value !== -1 && value !== false)
    .filter(({ place, value }) => value !== 0 || zeroCounts.has(place))
    .map(({ place }) => place)
}
