/** Who refuses, when the kernel says only EPERM or EACCES. In the order of proof. */

import type { Host } from '../../host/facts.ts'
import type { OpName } from '../../kernel/plan.ts'
import type { Cause } from './entry.ts'

/** An unconfined process may make a user namespace there, but gets no capabilities in it. */
export function isRestrictedByApparmor(host: Host): boolean {
  return (
    host.apparmorRestrictsUserns &&
    !host.realRoot &&
    /^unconfined|^unprivileged_userns/.test(host.lsm.label ?? 'unconfined')
  )
}

/** A profile of the container around us, such as docker-default: it forbids mounts, with EACCES. */
export function isConfinedByApparmor({ lsm }: Host): boolean {
  return lsm.apparmor && lsm.label !== undefined && lsm.label !== 'unconfined'
}

export const SECCOMP_FILTER = 2

const ALLOW_USERNS =
  'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; usnea doctor --profile apparmor prints a profile for usnea alone'

const restricted = {
  when: ({ host }) => isRestrictedByApparmor(host),
  code: 'userns-apparmor',
  why: 'kernel.apparmor_restrict_unprivileged_userns is 1, so AppArmor takes the capabilities in our user namespace away',
  fix: ALLOW_USERNS,
} satisfies Omit<Cause<OpName>, 'errno'>

const confined = {
  when: ({ host }) => isConfinedByApparmor(host),
  why: ({ host }) => `probably the AppArmor profile ${host.lsm.label} of the container around us`,
  fix: 'start the outer container with another profile (Docker: --security-opt apparmor=unconfined)',
} satisfies Omit<Cause<OpName>, 'errno'>

const filtered = {
  when: ({ host }) => host.seccomp === SECCOMP_FILTER,
  why: 'probably the seccomp filter around us (Seccomp: 2 in /proc/self/status)',
  fix: 'start the outer container with a profile that allows to build containers: usnea doctor --profile docker (or podman, kubernetes) prints one and the flags',
} satisfies Omit<Cause<OpName>, 'errno'>

const selinux = {
  when: ({ host }) => host.lsm.selinuxEnforcing,
  why: ({ host }) => `probably SELinux, which is enforcing (our label is ${host.lsm.label ?? 'not shown'})`,
  fix: 'look for the denial with: sudo ausearch -m avc -ts recent',
} satisfies Omit<Cause<OpName>, 'errno'>

const PERMISSION = ['EPERM', 'EACCES'] as const

/**
 * A filter answers EPERM, and modules mostly EACCES. Ends with no answer of its own: the op's later causes, or the
 * usual ones, have the last word.
 */
export const refusals: readonly Cause<OpName>[] = [
  { errno: PERMISSION, ...restricted },
  { errno: 'EPERM', ...filtered },
  { errno: PERMISSION, ...confined },
  { errno: PERMISSION, ...selinux },
]

/** For the call that makes the user namespace itself. The codes differ: it was refused, not only weakened. */
export const usernsRefusals: readonly Cause<OpName>[] = [
  {
    errno: PERMISSION,
    ...restricted,
    why: 'kernel.apparmor_restrict_unprivileged_userns is 1 and no AppArmor profile allows this program',
  },
  { errno: 'EPERM', ...filtered, code: 'userns-seccomp' },
  { errno: PERMISSION, ...selinux, code: 'userns-lsm' },
  { errno: 'EACCES', ...confined, code: 'userns-lsm' },
  {
    errno: 'EACCES',
    code: 'userns-lsm',
    why: 'a security module refuses it: the kernel itself answers other errors',
    fix: 'look for the denial with: sudo dmesg',
  },
]

/** After the namespace was made: it is there, but powerless. */
export const restrictedUserns: Cause<OpName> = { errno: PERMISSION, ...restricted }
