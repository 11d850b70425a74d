/** The smaller sections of linux.resources: pids, huge pages, network classes, rdma, and the raw files of v2. */
import { error, type Issue } from '../../../base/issue.ts'
import type { HugepageLimit, NetworkClass, PidLimits, RdmaLimits, Resources } from '../../../spec/types.ts'
import { isSet, type Target, type Write, writer } from './write.ts'

/**
 * 0 is a limit of zero since runtime-spec 1.3. pids.max is not asked when a process is moved in, so 1 refuses every fork
 * just as well, and it is a number that systemd can hold too.
 */
export function pidsWrites({ limit }: PidLimits, target: Target): Write[] {
  if (limit === undefined) return []
  return [writer(target, 'pids')('limit', 'pids.max', limit < 0 ? 'max' : Math.max(1, limit))]
}

const pageSize = /^[1-9][0-9]*[KMG]B$/

export const checkHugepages = (limits: readonly HugepageLimit[] = []): Issue[] =>
  limits.flatMap(({ pageSize: size }, i) =>
    pageSize.test(size) ? [] : [error(`/linux/resources/hugepageLimits/${i}/pageSize`, 'must be a size such as 2MB')],
  )

/** Reservations are limited too (5.7): without, mmap(2) succeeds and the page fault kills. */
export function hugetlbWrites(limits: readonly HugepageLimit[], target: Target): Write[] {
  const write = writer(target, 'hugepageLimits')
  const end = target.version === 1 ? 'limit_in_bytes' : 'max'
  return limits.flatMap(({ pageSize: size, limit }, i) => [
    write(`${i}`, `hugetlb.${size}.${end}`, limit),
    write(`${i}`, `hugetlb.${size}.rsvd.${end}`, limit, { mayLack: true }),
  ])
}

export function netClsWrites({ classID }: NetworkClass, target: Target): Write[] {
  return isSet(classID) ? [writer(target, 'network')('classID', 'net_cls.classid', classID)] : []
}

export function netPrioWrites({ priorities = [] }: NetworkClass, target: Target): Write[] {
  const write = writer(target, 'network')
  return priorities.map(({ name, priority }, i) =>
    write(`priorities/${i}`, 'net_prio.ifpriomap', `${name} ${priority}`),
  )
}

export function rdmaWrites(rdma: Readonly<Record<string, RdmaLimits>>, target: Target): Write[] {
  const write = writer(target, 'rdma')
  return Object.entries(rdma).flatMap(([device, { hcaHandles, hcaObjects }]) => {
    const words = [
      ...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]),
      ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`]),
    ]
    return words.length === 0 ? [] : [write(device, 'rdma.max', `${device} ${words.join(' ')}`)]
  })
}

/** Of the files that every cgroup has, these limit; the others move, freeze or kill. */
const coreLimits = new Set(['cgroup.max.depth', 'cgroup.max.descendants', 'cgroup.pressure'])

export function checkUnified(unified: Resources['unified'] = {}, hasV1: boolean): Issue[] {
  const keys = Object.keys(unified)
  const pointer = '/linux/resources/unified'
  if (keys.length > 0 && hasV1)
    return [error(pointer, 'invalid configuration: these are files of cgroup v2, and the machine uses v1')]
  return keys
    .filter(
      (key) => !/^[a-z0-9_]+\.[A-Za-z0-9_.]+$/.test(key) || (controllerOf(key) === 'cgroup' && !coreLimits.has(key)),
    )
    .map((key) => error(pointer, `${JSON.stringify(key)} is no file of a controller`))
}

/** Some files take one line a write, so that is how they are written. */
export function unifiedWrites(unified: Readonly<Record<string, string>>): Write[] {
  return Object.entries(unified).flatMap(([file, text]) => {
    const write = writer({ version: 2, controller: controllerOf(file) }, 'unified')
    const lines = text.split('\n').filter((line) => line !== '')
    // An empty text means something to some files (cpuset.cpus), and the others refuse it.
    return (lines.length > 0 ? lines : ['\n']).map((line) => write(file, file, line))
  })
}

/** Pressure files (memory.pressure) and `hugetlb.2MB.max` alike begin with the name of their controller. */
const controllerOf = (file: string): string => file.split('.', 1)[0] ?? ''
