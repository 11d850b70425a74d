/** What sched_setattr(2), set_mempolicy(2) and the like would refuse with a bare EINVAL. */
import { error, type Issue, warning } from '../../base/issue.ts'
import { LAST_CPU, LAST_NODE, parseNumberList } from '../number-list.ts'
import { quote } from '../quote.ts'
import type { MemoryPolicy, Process, Scheduler, Spec } from '../types.ts'
import { each, type Loose } from './loose.ts'

export function schedulingIssues({ scheduler, execCPUAffinity }: Loose<Process>): Issue[] {
  return [
    ...(scheduler === undefined ? [] : schedulerIssues(scheduler)),
    ...affinityIssues(execCPUAffinity, 'initial'),
    ...affinityIssues(execCPUAffinity, 'final'),
  ]
}

const FAIR = new Set(['SCHED_OTHER', 'SCHED_BATCH'])
const REAL_TIME = new Set(['SCHED_FIFO', 'SCHED_RR'])

function schedulerIssues({ policy, priority, ...rest }: Loose<Scheduler>): Issue[] {
  const pointer = '/process/scheduler'
  const issues: Issue[] = []
  if (policy === 'SCHED_ISO') issues.push(error(`${pointer}/policy`, 'no kernel has the policy SCHED_ISO'))
  if (policy !== undefined && REAL_TIME.has(policy)) {
    if (priority === undefined || priority < 1 || priority > 99)
      issues.push(error(`${pointer}/priority`, `${policy} needs a priority from 1 to 99`))
  } else if (priority !== undefined && priority !== 0) {
    issues.push(
      error(`${pointer}/priority`, 'scheduler.priority can only be specified for SchedFIFO or SchedRR policy'),
    )
  }
  if ((rest.nice ?? 0) !== 0 && policy !== undefined && !FAIR.has(policy))
    issues.push(warning(`${pointer}/nice`, `the kernel takes no nice value for ${policy}`))
  if (policy !== 'SCHED_DEADLINE')
    for (const property of ['runtime', 'deadline', 'period'] as const)
      if ((rest[property] ?? 0) !== 0)
        issues.push(
          error(
            `${pointer}/${property}`,
            'scheduler runtime/deadline/period can only be specified for SchedDeadline policy',
          ),
        )
  return issues
}

function affinityIssues(affinity: Loose<Process>['execCPUAffinity'], property: 'initial' | 'final'): Issue[] {
  const text = affinity?.[property]
  if (text === undefined || text === '' || parseNumberList(text, LAST_CPU) !== undefined) return []
  return [error(`/process/execCPUAffinity/${property}`, `must be a list of CPUs such as "0-3,7", found ${quote(text)}`)]
}

export function memoryPolicyIssues(spec: Loose<Spec>): Issue[] {
  const policy = spec.linux?.memoryPolicy
  return policy === undefined ? [] : policyIssues(policy, '/linux/memoryPolicy')
}

const WITHOUT_NODES = new Set(['MPOL_DEFAULT', 'MPOL_LOCAL'])

function policyIssues({ mode, nodes: text = '', flags = [] }: Loose<MemoryPolicy>, pointer: string): Issue[] {
  const nodes = text === '' ? [] : parseNumberList(text, LAST_NODE)
  if (nodes === undefined)
    return [
      error(
        `${pointer}/nodes`,
        `invalid memory policy nodes: must be a list such as "0,2-3" up to ${LAST_NODE}, found ${quote(text)}`,
      ),
    ]
  const issues: Issue[] = []
  if (mode !== undefined && WITHOUT_NODES.has(mode)) {
    if (nodes.length > 0)
      issues.push(error(`${pointer}/nodes`, `memory policy mode requires 0 nodes but got ${nodes.length}`))
  } else if (mode !== undefined && mode !== 'MPOL_PREFERRED' && nodes.length === 0) {
    issues.push(error(`${pointer}/nodes`, 'memory policy mode requires at least one node but got 0'))
  }
  if (flags.includes('MPOL_F_STATIC_NODES') && flags.includes('MPOL_F_RELATIVE_NODES'))
    issues.push(
      error(`${pointer}/flags`, 'invalid memory policy flags: MPOL_F_STATIC_NODES excludes MPOL_F_RELATIVE_NODES'),
    )
  return issues
}

/** The specification has the property for flags of a later version: none is defined. */
export function personalityIssues(spec: Loose<Spec>): Issue[] {
  return each(spec.linux?.personality?.flags, '/linux/personality/flags').map(([flag, pointer]) =>
    error(pointer, `the flag ${quote(flag)} does not exist: no personality flag is defined`),
  )
}
