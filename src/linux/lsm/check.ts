/** Labels of security modules that this machine does not have. */
import { type Degradation, error, type Issue } from '../../base/issue.ts'
import type { Host } from '../../host/facts.ts'
import type { Linux, Process } from '../../spec/types.ts'

/** Without AppArmor everything is unconfined: only that one profile is fulfilled then. */
export function checkProcessLabels(process: Process, host: Host, origin: string): Issue[] {
  const { apparmorProfile = '', selinuxLabel = '' } = process
  const issues: Issue[] = []
  if (apparmorProfile !== '' && apparmorProfile !== 'unconfined' && !host.lsm.apparmor)
    issues.push(
      error(`${origin}/apparmorProfile`, 'apparmor: config provided but apparmor not supported or disabled here'),
    )
  if (selinuxLabel !== '' && !host.lsm.selinux) issues.push(error(`${origin}/selinuxLabel`, SELINUX_OFF))
  return issues
}

/**
 * A label of files separates nothing where nobody looks at it, and without SELinux there is no process with one either:
 * that would have been refused. So it is left out, as under crun.
 */
export function mountLabelNotes({ mountLabel = '' }: Linux, host: Host): Degradation[] {
  if (mountLabel === '' || host.lsm.selinux) return []
  return [{ pointer: '/linux/mountLabel', message: 'new mounts get no label: SELinux is disabled or not supported' }]
}

const SELINUX_OFF = 'selinux label is specified in config, but selinux is disabled or not supported'
