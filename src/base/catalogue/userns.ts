/** Stock words of errors: user namespace. */
import type { CatalogueEntry } from './entry.ts'

export const userns = {
  'userns-seccomp': {
    what: 'cannot create a user namespace',
    why: 'a seccomp filter around us refuses unshare',
    fix: 'run the outer container with a profile that allows unshare: usnea doctor --profile docker (or podman, kubernetes) prints one and the flags',
  },
  'userns-sysctl': {
    what: 'cannot create a user namespace',
    why: 'kernel.unprivileged_userns_clone is 0',
    fix: 'sudo sysctl -w kernel.unprivileged_userns_clone=1; to keep it: echo kernel.unprivileged_userns_clone=1 | sudo tee /etc/sysctl.d/99-userns.conf',
  },
  'userns-apparmor': {
    what: 'cannot use a user namespace',
    why: 'kernel.apparmor_restrict_unprivileged_userns is 1 and no AppArmor profile allows this program',
    fix: 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; usnea doctor --profile apparmor prints a profile for usnea alone',
  },
  'userns-lsm': {
    what: 'cannot create a user namespace',
    why: 'a security module refuses it',
    fix: 'look for the denial with: sudo ausearch -m avc -ts recent (SELinux), or sudo dmesg',
  },
  'userns-chroot': {
    what: 'cannot create a user namespace',
    why: 'we run inside a chroot, and the kernel refuses user namespaces there',
    fix: 'enter the directory with a mount namespace instead of chroot (unshare --mount --root, systemd-nspawn)',
  },
  'userns-unmapped': {
    what: 'cannot create a user namespace',
    why: 'our own user or group id is not mapped in the user namespace around us',
    fix: 'the outer sandbox must write uid_map and gid_map for this id first',
  },
  'userns-limit': {
    what: 'cannot create a user namespace',
    why: 'the limit of user namespaces is reached',
    fix: 'sudo sysctl -w user.max_user_namespaces=15000; to keep it: echo user.max_user_namespaces=15000 | sudo tee /etc/sysctl.d/99-userns.conf',
  },
  'userns-missing': {
    what: 'cannot create a user namespace',
    why: 'this kernel has no user namespaces',
    fix: 'use a kernel built with CONFIG_USER_NS (gVisor and WSL 1 have none)',
  },
  'userns-nproc': {
    what: 'cannot create a process',
    why: 'a limit of processes is reached',
    fix: 'raise the limit named above, or end some processes',
  },
  'userns-refused': { what: 'cannot create a user namespace', why: 'the kernel does not say' },
  'ns-refused': { what: 'cannot create the namespaces of the container' },
  'ns-join': {
    what: 'cannot join a namespace',
    fix: 'check that the path names a namespace of that type, and that the namespace belongs to a user namespace of ours',
  },
} as const satisfies Record<string, CatalogueEntry>
