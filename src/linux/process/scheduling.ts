/** CPUs, scheduling, I/O priority, memory nodes and execution domain of the program as ops. */
import type { Op } from '../../kernel/plan.ts'
import {
  IOPRIO_CLASS_SHIFT,
  ioPriorityClasses,
  memoryFlags,
  memoryModes,
  personalities,
  schedulerFlags,
  schedulerPolicies,
} from '../../kernel/scheduling.ts'
import { uint64 } from '../../spec/integers.ts'
import { LAST_CPU, LAST_NODE, parseNumberList } from '../../spec/number-list.ts'
import type { Linux, MemoryPolicy, Process, Scheduler } from '../../spec/types.ts'

/** Where exec runs before it is in the container's cgroup. */
export function planInitialAffinity({ execCPUAffinity }: Process, origin: string): Op[] {
  return affinity(execCPUAffinity?.initial, `${origin}/execCPUAffinity/initial`)
}

/** Where exec runs from then on; without one, as for the first process, all CPUs that the cgroup has. */
export function planFinalAffinity({ execCPUAffinity }: Process, origin: string): Op[] {
  const asked = affinity(execCPUAffinity?.final, `${origin}/execCPUAffinity/final`)
  if (asked.length > 0 || execCPUAffinity?.initial) return asked
  return planAllCpus(origin)
}

/** As runc since 1.3: an affinity of the caller's own is none of the container's. */
export const planAllCpus = (origin: string): Op[] => [{ op: 'affinity', cpus: [], origin }]

function affinity(list: string | undefined, origin: string): Op[] {
  const cpus = parseNumberList(list ?? '', LAST_CPU) ?? []
  return cpus.length === 0 ? [] : [{ op: 'affinity', cpus: cpus.map(String), origin }]
}

type Domain = Pick<Linux, 'memoryPolicy' | 'personality'>

export function planScheduling(process: Process, { memoryPolicy, personality }: Domain, origin: string): Op[] {
  const { scheduler, ioPriority } = process
  const ops: Op[] = []
  if (memoryPolicy !== undefined) ops.push(planMemoryPolicy(memoryPolicy))
  if (scheduler !== undefined) ops.push(planScheduler(scheduler, `${origin}/scheduler`))
  if (ioPriority !== undefined) {
    const value = (ioPriorityClasses[ioPriority.class] << IOPRIO_CLASS_SHIFT) | (ioPriority.priority ?? 0)
    ops.push({ op: 'ioPriority', value, origin: `${origin}/ioPriority` })
  }
  if (personality !== undefined)
    ops.push({ op: 'personality', persona: personalities[personality.domain], origin: '/linux/personality' })
  return ops
}

function planMemoryPolicy({ mode, nodes = '', flags = [] }: MemoryPolicy): Op {
  const number = flags.reduce((sum, flag) => sum | (memoryFlags[flag] ?? 0), memoryModes[mode])
  const list = (parseNumberList(nodes, LAST_NODE) ?? []).map(String)
  return { op: 'memoryPolicy', mode: number, nodes: list, origin: '/linux/memoryPolicy' }
}

function planScheduler(scheduler: Scheduler, origin: string): Op {
  const { policy, nice = 0, priority = 0, flags = [], runtime = 0, deadline = 0, period = 0 } = scheduler
  return {
    op: 'scheduler',
    policy: schedulerPolicies[policy],
    flags: flags.reduce((sum, flag) => sum | (schedulerFlags[flag] ?? 0), 0),
    nice: BigInt(nice),
    priority,
    runtime: uint64(runtime),
    deadline: uint64(deadline),
    period: uint64(period),
    origin,
  }
}
