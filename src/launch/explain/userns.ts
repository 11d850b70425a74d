/** Making the user namespace itself: the failure that most users meet first. */
import type { Host } from '../../host/facts.ts'
import { isMapped } from '../../linux/idmap/ranges.ts'
import type { Cause } from './entry.ts'
import { nprocCause, usernsLimitCause } from './limits.ts'
import { usernsRefusals } from './refusal.ts'

const isUnmapped = (host: Host): boolean => !isMapped(host.uidMap, host.uid) || !isMapped(host.gidMap, host.gid)

/** In the order of proof: facts that alone suffice for EPERM come first. */
export const userCauses: readonly Cause<'unshareUser' | 'born' | 'unshare'>[] = [
  {
    errno: 'EPERM',
    when: ({ host }) => host.chrooted,
    code: 'userns-chroot',
    why: 'we run inside a chroot, and the kernel refuses user namespaces there',
    fix: 'enter the directory with a mount namespace instead of chroot (unshare --mount --root DIR, systemd-nspawn -D DIR)',
  },
  {
    errno: 'EPERM',
    when: ({ host }) => isUnmapped(host),
    code: 'userns-unmapped',
    why: ({ host }) => `our own user ${host.uid} or group ${host.gid} is not mapped in the user namespace around us`,
    fix: 'the outer sandbox must write uid_map and gid_map for this id first',
  },
  {
    errno: 'EPERM',
    when: ({ host }) => host.unprivilegedUsernsClone === false && !host.realRoot,
    code: 'userns-sysctl',
    why: 'kernel.unprivileged_userns_clone is 0',
    fix: 'sudo sysctl -w kernel.unprivileged_userns_clone=1; to keep it: echo kernel.unprivileged_userns_clone=1 | sudo tee /etc/sysctl.d/99-userns.conf',
  },
  ...usernsRefusals,
  {
    errno: 'EPERM',
    code: 'userns-refused',
    why: 'none of the known causes is to be seen; probably a security module, or a chroot that cannot be told from here',
    fix: 'look for a denial with: sudo dmesg; usnea doctor shows what else this machine allows',
  },
  usernsLimitCause,
  { ...nprocCause, code: 'userns-nproc' },
  {
    errno: ['ENOSYS', 'EINVAL'],
    when: ({ host }) => !host.hasUserNamespaces,
    code: 'userns-missing',
    why: 'this kernel has no user namespaces (/proc/self/ns/user is missing)',
    fix: 'use a kernel built with CONFIG_USER_NS (gVisor and WSL 1 have none)',
  },
  {
    errno: 'ENOSYS',
    code: 'userns-seccomp',
    why: 'probably a seccomp filter around us answers as if the call were missing',
    fix: 'start the outer container with a profile that allows unshare: usnea doctor --profile docker (or podman, kubernetes) prints one and the flags',
  },
]
