/** What a configuration asks of Intel RDT and this machine does not have. */
import { error, type Issue } from '../../base/issue.ts'
import type { Host, Resctrl } from '../../host/facts.ts'
import type { IntelRdt, Spec } from '../../spec/types.ts'
import { linesOf, parseLine } from './schemata.ts'

const at = '/linux/intelRdt'

/** The cache may be divided for code and data (the mount option cdp). */
export const hasCacheClasses = ({ allocates }: Resctrl): boolean => allocates.some((name) => /^L3(CODE)?$/.test(name))
export const hasBandwidthClasses = ({ allocates }: Resctrl): boolean => allocates.includes('MB')

export function checkRdt(spec: Spec, host: Pick<Host, 'resctrl' | 'realRoot'>): Issue[] {
  const rdt = spec.linux?.intelRdt
  if (rdt === undefined) return []
  if (!host.realRoot) return [error(at, 'Intel RDT is the host’s: only its root can use it')]
  const { resctrl } = host
  if (!resctrl)
    return [
      error(
        at,
        'Intel RDT is not enabled: no resctrl file system is mounted; where the processor has it: mount -t resctrl resctrl /sys/fs/resctrl',
      ),
    ]
  return featureIssues(rdt, resctrl)
}

function featureIssues(rdt: IntelRdt, resctrl: Resctrl): Issue[] {
  const issues: Issue[] = []
  if (rdt.l3CacheSchema && !hasCacheClasses(resctrl))
    issues.push(
      error(`${at}/l3CacheSchema`, 'Intel RDT/CAT is not enabled: the kernel offers no classes of the L3 cache'),
    )
  if (rdt.memBwSchema && !hasBandwidthClasses(resctrl))
    issues.push(error(`${at}/memBwSchema`, 'Intel RDT/MBA is not enabled: the kernel offers no shares of bandwidth'))
  if (rdt.enableMonitoring && resctrl.monitors.length === 0)
    issues.push(error(`${at}/enableMonitoring`, 'Intel RDT monitoring is not enabled: the kernel counts nothing here'))
  for (const [index, line] of linesOf({ schemata: rdt.schemata ?? [] }).entries()) {
    const { resource = '' } = parseLine(line) ?? {}
    if (!resctrl.allocates.includes(resource))
      issues.push(error(`${at}/schemata/${index}`, `the kernel offers no classes of ${resource} here`))
  }
  return issues
}
