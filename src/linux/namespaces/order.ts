/** In which order namespaces are entered. Pure. */
import type { Host } from '../../host/facts.ts'
import { CAP_SYS_ADMIN, CAP_SYS_CHROOT } from '../../kernel/constants.ts'
import type { NamespaceType } from '../../spec/names.ts'

const plain = ['ipc', 'uts', 'network', 'pid', 'cgroup', 'time'] as const satisfies readonly NamespaceType[]

/**
 * setns(2) wants CAP_SYS_ADMIN in the user namespace that owns the other one, and in our own. Who has it enters the user
 * namespace last: in there it has no power any more over a namespace that somebody else owns, such as a network of the
 * host's. Who has not gets it by entering that one first. The mount namespace wants CAP_SYS_CHROOT as well, and comes
 * after all others but the user namespace: it changes what a path means.
 */
export function joinOrder({ capEffective }: Pick<Host, 'capEffective'>): readonly NamespaceType[] {
  const has = (capability: bigint) => (capEffective & capability) !== 0n
  if (!has(CAP_SYS_ADMIN)) return ['user', ...plain, 'mount']
  return has(CAP_SYS_CHROOT) ? [...plain, 'mount', 'user'] : [...plain, 'user', 'mount']
}
