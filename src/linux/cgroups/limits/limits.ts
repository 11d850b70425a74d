/** All of linux.resources as writes, for the trees that a container has a place in. Pure. */
import type { Degradation, Issue } from '../../../base/issue.ts'
import type { Resources } from '../../../spec/types.ts'
import { asksForLeafWeight, blockIoWrites, checkBlockIo } from './block-io.ts'
import { checkCpu, cpusetWrites, cpuWrites, uselessWeight, withoutUselessWeight } from './cpu.ts'
import { checkMemory, checkSwapOnV2, memoryWrites } from './memory.ts'
import {
  checkHugepages,
  checkUnified,
  hugetlbWrites,
  netClsWrites,
  netPrioWrites,
  pidsWrites,
  rdmaWrites,
  unifiedWrites,
} from './others.ts'
import type { Target, Write } from './write.ts'

/** What cgroup version a controller is to be found on; undefined where it is on neither. */
export type VersionOf = (controller: string) => 1 | 2 | undefined

/** What is wrong whatever the machine is like. */
export function checkLimits(resources: Resources = {}): Issue[] {
  const { memory = {}, cpu = {}, blockIO = {}, hugepageLimits } = resources
  return [...checkMemory(memory), ...checkCpu(cpu), ...checkBlockIo(blockIO), ...checkHugepages(hugepageLimits)]
}

/** What this machine's trees cannot hold by their nature. */
export function checkLimitsHere(resources: Resources = {}, versionOf: VersionOf, hasV1: boolean): Issue[] {
  const { memory = {}, unified } = resources
  return [...checkUnified(unified, hasV1), ...(versionOf('memory') === 2 ? checkSwapOnV2(memory) : [])]
}

interface Section {
  /** Names of the controller on v1 and v2. */
  readonly names: readonly [v1: string, v2: string | undefined]
  readonly writes: (target: Target) => readonly Write[]
}

function sectionsOf({ memory, cpu, pids, blockIO, hugepageLimits, network, rdma }: Resources): Section[] {
  return [
    { names: ['cpuset', 'cpuset'], writes: (to) => cpusetWrites(cpu ?? {}, to) },
    { names: ['cpu', 'cpu'], writes: (to) => cpuWrites(cpu ?? {}, to) },
    { names: ['memory', 'memory'], writes: (to) => memoryWrites(memory ?? {}, to) },
    { names: ['pids', 'pids'], writes: (to) => pidsWrites(pids ?? {}, to) },
    { names: ['blkio', 'io'], writes: (to) => blockIoWrites(blockIO ?? {}, to) },
    { names: ['hugetlb', 'hugetlb'], writes: (to) => hugetlbWrites(hugepageLimits ?? [], to) },
    { names: ['net_cls', undefined], writes: (to) => netClsWrites(network ?? {}, to) },
    { names: ['net_prio', undefined], writes: (to) => netPrioWrites(network ?? {}, to) },
    { names: ['rdma', 'rdma'], writes: (to) => rdmaWrites(rdma ?? {}, to) },
  ]
}

/**
 * The writes in the order in which they must be done. A section whose controller is on no tree is written for v1, so
 * that whoever applies it can say what is missing; unless v2 is all there is.
 */
export function limitWrites(resources: Resources = {}, versionOf: VersionOf, hasV1: boolean): Write[] {
  const sections = sectionsOf(resources).flatMap(({ names: [v1, v2], writes }) => {
    if (versionOf(v1) === 1) return writes({ version: 1, controller: v1 })
    if (v2 !== undefined && (versionOf(v2) === 2 || !hasV1)) return writes({ version: 2, controller: v2 })
    return hasV1 ? writes({ version: 1, controller: v1 }) : []
  })
  return [...sections, ...unifiedWrites(withoutUselessWeight(resources.unified ?? {}))]
}

/** What was asked for and no file of these trees can hold. The kernel's own accounting stands in, or nothing. */
export function unheldLimits(resources: Resources = {}, versionOf: VersionOf, hasV1: boolean): Degradation[] {
  const { memory = {}, cpu = {}, network = {}, blockIO = {} } = resources
  // One that was not handed to us is none of v1 where there is no v1.
  const onV2 = (controller: string) => (versionOf(controller) ?? (hasV1 ? 1 : 2)) === 2
  const notes: (readonly [isAsked: boolean, pointer: string, why: string])[] = [
    [(memory.kernel ?? 0) > 0, 'memory/kernel', 'kernel memory is counted with the rest'],
    [(memory.kernelTCP ?? 0) > 0, 'memory/kernelTCP', 'kernel memory is counted with the rest'],
    [onV2('memory') && memory.swappiness !== undefined, 'memory/swappiness', 'cgroup v2 has no such setting'],
    [onV2('memory') && memory.disableOOMKiller === true, 'memory/disableOOMKiller', 'cgroup v2 has no such setting'],
    [memory.useHierarchy === false, 'memory/useHierarchy', 'memory is always counted with that of cgroups below'],
    [onV2('cpu') && (cpu.realtimeRuntime ?? 0) > 0, 'cpu/realtimeRuntime', 'cgroup v2 has no such setting'],
    [onV2('cpu') && (cpu.realtimePeriod ?? 0) > 0, 'cpu/realtimePeriod', 'cgroup v2 has no such setting'],
    [onV2('io') && asksForLeafWeight(blockIO), 'blockIO/leafWeight', 'cgroup v2 has no such setting'],
    [onV2('net_cls') && (network.classID ?? 0) > 0, 'network/classID', 'cgroup v2 has no such setting'],
    [onV2('net_prio') && (network.priorities ?? []).length > 0, 'network/priorities', 'cgroup v2 has no such setting'],
  ]
  const found = notes
    .filter(([isAsked]) => isAsked)
    .map(([, pointer, why]) => ({
      pointer: `/linux/resources/${pointer}`,
      message: `${pointer} has no effect: ${why}`,
    }))
  const useless = uselessWeight(resources)
  if (useless === undefined) return found
  const message = `${useless} has no effect: unable to apply both a weight and cpu.idle, because an idle cgroup has none`
  return [...found, { pointer: `/linux/resources/${useless}`, message, loud: true }]
}
