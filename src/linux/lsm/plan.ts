/** Labels of security modules as ops and mount options. `check.ts` has refused the labels of processes that cannot be given here. */
import type { Host } from '../../host/facts.ts'
import type { Op } from '../../kernel/plan.ts'
import type { Process, Spec } from '../../spec/types.ts'

/** They take effect when the program is executed. */
export function planLabels({ apparmorProfile = '', selinuxLabel = '' }: Process, host: Host, origin: string): Op[] {
  const ops: Op[] = []
  if (apparmorProfile !== '' && host.lsm.apparmor)
    ops.push({ op: 'apparmor', profile: apparmorProfile, origin: `${origin}/apparmorProfile` })
  if (selinuxLabel !== '' && host.lsm.selinux)
    ops.push({ op: 'selinux', label: selinuxLabel, origin: `${origin}/selinuxLabel` })
  return ops
}

/** The label for keys that are made on the way to the program; '' for none. They must be its own, or it cannot see them. */
export const keyLabel = ({ selinuxLabel = '' }: Process, host: Host): string => (host.lsm.selinux ? selinuxLabel : '')

/** That of a spec. */
export const keyLabelOf = ({ process }: Spec, host: Host): string => (process ? keyLabel(process, host) : '')

/** mqueue takes no label as an option, but its directory can be given one. */
export const isLabelledLater = (fstype: string): boolean => fstype === 'mqueue'

/** File systems whose files have labels of their own, which a mount cannot replace. */
const unlabelled = new Set(['proc', 'sysfs', 'cgroup', 'cgroup2', 'mqueue'])

/** The option that labels a whole mount; the quotes keep the commas of a label's categories together. */
export function labelOption(mountLabel: string | undefined, fstype: string): string {
  return mountLabel && !unlabelled.has(fstype) ? `context="${mountLabel}"` : ''
}
