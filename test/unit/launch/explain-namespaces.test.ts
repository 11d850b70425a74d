// Making and joining namespaces: each way it fails, with the machine it fails on and the whole message.
import { ALL_CAPABILITIES, aHost, nestedRoot, realRoot } from '../host/literal.ts'
import { explains, failed } from './failures.ts'

const lsm = aHost().lsm
const user = { op: 'unshareUser', origin: '/linux/namespaces' } as const
const born = (flags: number) => ({ op: 'born', flags, origin: '/linux/namespaces' }) as const

explains([
  [
    'in a chroot',
    failed(user, 'EPERM', aHost({ chrooted: true })),
    'userns-chroot',
    'cannot create a user namespace (unshare CLONE_NEWUSER): operation not permitted (/linux/namespaces); cause: we run inside a chroot, and the kernel refuses user namespaces there; fix: enter the directory with a mount namespace instead of chroot (unshare --mount --root DIR, systemd-nspawn -D DIR)',
  ],
  [
    'with an own id that nobody mapped',
    failed(user, 'EPERM', aHost({ inUserNamespace: true, uidMap: [], gidMap: [] })),
    'userns-unmapped',
    'cannot create a user namespace (unshare CLONE_NEWUSER): operation not permitted (/linux/namespaces); cause: our own user 1000 or group 1000 is not mapped in the user namespace around us; fix: the outer sandbox must write uid_map and gid_map for this id first',
  ],
  [
    'with the switch of Debian off',
    failed(user, 'EPERM', aHost({ unprivilegedUsernsClone: false })),
    'userns-sysctl',
    'cannot create a user namespace (unshare CLONE_NEWUSER): operation not permitted (/linux/namespaces); cause: kernel.unprivileged_userns_clone is 0; fix: sudo sysctl -w kernel.unprivileged_userns_clone=1; to keep it: echo kernel.unprivileged_userns_clone=1 | sudo tee /etc/sysctl.d/99-userns.conf',
  ],
  [
    'on Ubuntu 23.10, EPERM',
    failed(
      user,
      'EPERM',
      aHost({ apparmorRestrictsUserns: true, lsm: { ...lsm, apparmor: true, label: 'unconfined' } }),
    ),
    'userns-apparmor',
    'cannot create a user namespace (unshare CLONE_NEWUSER): operation not permitted (/linux/namespaces); cause: kernel.apparmor_restrict_unprivileged_userns is 1 and no AppArmor profile allows this program; fix: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; usnea doctor --profile apparmor prints a profile for usnea alone',
  ],
  [
    'on Ubuntu 23.10, EACCES',
    failed(
      user,
      'EACCES',
      aHost({ apparmorRestrictsUserns: true, lsm: { ...lsm, apparmor: true, label: 'unconfined' } }),
    ),
    'userns-apparmor',
    'cannot create a user namespace (unshare CLONE_NEWUSER): permission denied (/linux/namespaces); cause: kernel.apparmor_restrict_unprivileged_userns is 1 and no AppArmor profile allows this program; fix: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; usnea doctor --profile apparmor prints a profile for usnea alone',
  ],
  [
    'inside Docker',
    failed(user, 'EPERM', realRoot({ seccomp: 2 })),
    'userns-seccomp',
    'cannot create a user namespace (unshare CLONE_NEWUSER): operation not permitted (/linux/namespaces); cause: probably the seccomp filter around us (Seccomp: 2 in /proc/self/status); fix: start the outer container with a profile that allows to build containers: usnea doctor --profile docker (or podman, kubernetes) prints one and the flags',
  ],
  [
    'with SELinux',
    failed(
      user,
      'EPERM',
      aHost({ lsm: { ...lsm, selinux: true, selinuxEnforcing: true, label: 'user_u:user_r:user_t:s0' } }),
    ),
    'userns-lsm',
    'cannot create a user namespace (unshare CLONE_NEWUSER): operation not permitted (/linux/namespaces); cause: probably SELinux, which is enforcing (our label is user_u:user_r:user_t:s0); fix: look for the denial with: sudo ausearch -m avc -ts recent',
  ],
  [
    'by an unknown module, EACCES',
    failed(user, 'EACCES', aHost()),
    'userns-lsm',
    'cannot create a user namespace (unshare CLONE_NEWUSER): permission denied (/linux/namespaces); cause: a security module refuses it: the kernel itself answers other errors; fix: look for the denial with: sudo dmesg',
  ],
  [
    'for no reason',
    failed(user, 'EPERM', aHost()),
    'userns-refused',
    'cannot create a user namespace (unshare CLONE_NEWUSER): operation not permitted (/linux/namespaces); cause: none of the known causes is to be seen; probably a security module, or a chroot that cannot be told from here; fix: look for a denial with: sudo dmesg; usnea doctor shows what else this machine allows',
  ],
  [
    'with no namespaces allowed',
    failed(user, 'ENOSPC', aHost({ maxUserNamespaces: 0 })),
    'userns-limit',
    'cannot create a user namespace (unshare CLONE_NEWUSER): no space left on device (/linux/namespaces); cause: user.max_user_namespaces is 0; fix: sudo sysctl -w user.max_user_namespaces=15000; to keep it: echo user.max_user_namespaces=15000 | sudo tee /etc/sysctl.d/99-userns.conf',
  ],
  [
    'with the namespaces used up',
    failed(user, 'ENOSPC', aHost({ maxUserNamespaces: 63000 })),
    'userns-limit',
    'cannot create a user namespace (unshare CLONE_NEWUSER): no space left on device (/linux/namespaces); cause: user.max_user_namespaces (63000) is used up, here or in a user namespace around us, or they are nested deeper than 32; fix: end some sandboxes (lsns -t user lists them), or: sudo sysctl -w user.max_user_namespaces=126000; to keep it: echo user.max_user_namespaces=126000 | sudo tee /etc/sysctl.d/99-userns.conf',
  ],
  [
    'on an old kernel with the limit reached',
    failed(user, 'EUSERS', aHost({ maxUserNamespaces: undefined })),
    'userns-limit',
    'cannot create a user namespace (unshare CLONE_NEWUSER): too many users (/linux/namespaces); cause: user.max_user_namespaces is used up, here or in a user namespace around us, or they are nested deeper than 32; fix: sudo sysctl -w user.max_user_namespaces=15000; to keep it: echo user.max_user_namespaces=15000 | sudo tee /etc/sysctl.d/99-userns.conf',
  ],
  [
    'without kernel support',
    failed(user, 'ENOSYS', aHost({ hasUserNamespaces: false })),
    'userns-missing',
    'cannot create a user namespace (unshare CLONE_NEWUSER): function not implemented (/linux/namespaces); cause: this kernel has no user namespaces (/proc/self/ns/user is missing); fix: use a kernel built with CONFIG_USER_NS (gVisor and WSL 1 have none)',
  ],
  [
    'without kernel support, EINVAL',
    failed(user, 'EINVAL', aHost({ hasUserNamespaces: false })),
    'userns-missing',
    'cannot create a user namespace (unshare CLONE_NEWUSER): invalid argument (/linux/namespaces); cause: this kernel has no user namespaces (/proc/self/ns/user is missing); fix: use a kernel built with CONFIG_USER_NS (gVisor and WSL 1 have none)',
  ],
  [
    'with too many processes',
    failed(user, 'EAGAIN', aHost()),
    'userns-nproc',
    'cannot create a user namespace (unshare CLONE_NEWUSER): resource temporarily unavailable (/linux/namespaces); cause: a limit of processes is reached: RLIMIT_NPROC (1000 soft, 2000 hard), pids.max of our cgroup, or kernel.threads-max; fix: end some processes, or raise the limit (ulimit -u; systemd: TasksMax=; Docker: --pids-limit)',
  ],
  [
    'born: pid ns, apparmor',
    failed(born(0x20000000 | 0x20000), 'EPERM', aHost({ apparmorRestrictsUserns: true })),
    'userns-apparmor',
    'cannot create the first process of the container in new namespaces: mount, pid (clone): operation not permitted (/linux/namespaces); cause: kernel.apparmor_restrict_unprivileged_userns is 1, so AppArmor takes the capabilities in our user namespace away; fix: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; usnea doctor --profile apparmor prints a profile for usnea alone',
  ],
  [
    'born: no CAP_SYS_ADMIN',
    failed(born(0x20000000 | 0x20000), 'EPERM', realRoot({ capEffective: 0n })),
    'ns-refused',
    'cannot create the first process of the container in new namespaces: mount, pid (clone): operation not permitted (/linux/namespaces); cause: our process lacks CAP_SYS_ADMIN; fix: add {"type": "user"} to linux.namespaces, or give the outer container SYS_ADMIN (Docker: --cap-add SYS_ADMIN)',
  ],
  [
    'born with user',
    failed(born(0x10000000), 'EPERM', aHost({ chrooted: true })),
    'userns-chroot',
    'cannot create the first process of the container in new namespaces: user (clone): operation not permitted (/linux/namespaces); cause: we run inside a chroot, and the kernel refuses user namespaces there; fix: enter the directory with a mount namespace instead of chroot (unshare --mount --root DIR, systemd-nspawn -D DIR)',
  ],
  [
    'born: limit',
    failed(born(0x40000000), 'ENOSPC', aHost()),
    'ns-refused',
    'cannot create the first process of the container in new namespaces: network (clone): no space left on device (/linux/namespaces); cause: a limit of namespaces is used up (user.max_*_namespaces for network), or they are nested deeper than 32; fix: end some containers (lsns lists their namespaces), or raise the limit: sysctl user | grep max shows it',
  ],
  [
    'unshare: no time',
    failed({ op: 'unshare', flags: 0x80, origin: '/linux/namespaces' }, 'EINVAL', aHost()),
    'ns-refused',
    'cannot create new namespaces: time (unshare): invalid argument (/linux/namespaces); cause: this kernel (6.8.0-test) lacks one of: time; fix: remove that namespace from linux.namespaces, or use a kernel that has it (time: 5.6, cgroup: 4.6)',
  ],
  [
    'map: apparmor',
    failed(
      { op: 'mapSelf', innerUid: 0, outerUid: 1000, innerGid: 0, outerGid: 1000, origin: '/linux/uidMappings' },
      'EPERM',
      aHost({ apparmorRestrictsUserns: true }),
      'write /proc/self/uid_map',
    ),
    'userns-apparmor',
    'cannot map the user 0 and the group 0 of the container to our 1000 and 1000: write /proc/self/uid_map: operation not permitted (/linux/uidMappings); cause: kernel.apparmor_restrict_unprivileged_userns is 1, so AppArmor takes the capabilities in our user namespace away; fix: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; usnea doctor --profile apparmor prints a profile for usnea alone',
  ],
  [
    'map: foreign id',
    failed(
      { op: 'mapSelf', innerUid: 0, outerUid: 1001, innerGid: 0, outerGid: 1000, origin: '/linux/uidMappings' },
      'EPERM',
      aHost(),
      'write /proc/self/uid_map',
    ),
    'map-range',
    'cannot map the user 0 and the group 0 of the container to our 1001 and 1000: write /proc/self/uid_map: operation not permitted (/linux/uidMappings); cause: without a helper only our own ids can be mapped, and they are 1000 and 1000; fix: set hostID to 1000 in uidMappings and to 1000 in gidMappings, with size 1',
  ],
  [
    'map: setfcap',
    failed(
      { op: 'mapSelf', innerUid: 0, outerUid: 0, innerGid: 0, outerGid: 0, origin: '/linux/uidMappings' },
      'EPERM',
      nestedRoot({ capEffective: ALL_CAPABILITIES & ~(1n << 31n) }),
      'write /proc/self/uid_map',
    ),
    'map-refused',
    'cannot map the user 0 and the group 0 of the container to our 0 and 0: write /proc/self/uid_map: operation not permitted (/linux/uidMappings); cause: our process lacks CAP_SETFCAP, which mapping the user 0 around us needs since Linux 5.12; fix: give the outer container SETFCAP (Docker: --cap-add SETFCAP), or run usnea as another user',
  ],
  [
    'map: proc ro',
    failed(
      { op: 'mapSelf', innerUid: 0, outerUid: 1000, innerGid: 0, outerGid: 1000, origin: '/linux/uidMappings' },
      'EROFS',
      aHost(),
      'open /proc/self/setgroups',
    ),
    'map-refused',
    'cannot map the user 0 and the group 0 of the container to our 1000 and 1000: open /proc/self/setgroups: read-only file system (/linux/uidMappings); cause: /proc is mounted read-only here; fix: mount /proc read-write in the outer container',
  ],
  [
    'join',
    failed(
      {
        op: 'join',
        fd: 5,
        type: 0x40000000,
        name: 'network namespace /run/netns/a',
        origin: '/linux/namespaces/2/path',
      },
      'EPERM',
      aHost(),
      'network namespace /run/netns/a',
    ),
    'ns-join',
    'cannot join the network namespace /run/netns/a (setns): operation not permitted (/linux/namespaces/2/path); cause: probably we lack CAP_SYS_ADMIN in the user namespace that owns it; fix: join the user namespace it belongs to as well (linux.namespaces: {"type": "user", "path": "/proc/PID/ns/user"}), as the user who made it',
  ],
  [
    'loopback of a real root with few capabilities',
    failed({ op: 'loopback', origin: '/linux/namespaces' }, 'EPERM', realRoot({ capEffective: 1n << 21n, seccomp: 2 })),
    'setup-failed',
    'cannot bring up the loopback interface (SIOCSIFFLAGS on lo): operation not permitted (/linux/namespaces); cause: our process lacks CAP_NET_ADMIN, and without a user namespace it is needed; fix: add {"type": "user"} to linux.namespaces, or give the outer container NET_ADMIN (Docker: --cap-add NET_ADMIN)',
  ],
  [
    'loopback apparmor',
    failed({ op: 'loopback', origin: '/linux/namespaces' }, 'EPERM', aHost({ apparmorRestrictsUserns: true })),
    'userns-apparmor',
    'cannot bring up the loopback interface (SIOCSIFFLAGS on lo): operation not permitted (/linux/namespaces); cause: kernel.apparmor_restrict_unprivileged_userns is 1, so AppArmor takes the capabilities in our user namespace away; fix: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; usnea doctor --profile apparmor prints a profile for usnea alone',
  ],
  [
    'hostname seccomp',
    failed({ op: 'hostname', name: 'box', origin: '/hostname' }, 'EPERM', nestedRoot({ seccomp: 2 })),
    'setup-failed',
    'cannot set the hostname "box" (sethostname): operation not permitted (/hostname); cause: probably the seccomp filter around us (Seccomp: 2 in /proc/self/status); fix: start the outer container with a profile that allows to build containers: usnea doctor --profile docker (or podman, kubernetes) prints one and the flags',
  ],
  [
    'propagate docker-default',
    failed(
      { op: 'propagate', flags: 0, origin: '/linux/namespaces' },
      'EACCES',
      realRoot({ lsm: { ...lsm, apparmor: true, label: 'docker-default (enforce)' } }),
    ),
    'setup-failed',
    'cannot cut the mounts of the container off from the host (mount MS_SLAVE on /): permission denied (/linux/namespaces); cause: probably the AppArmor profile docker-default (enforce) of the container around us; fix: start the outer container with another profile (Docker: --security-opt apparmor=unconfined)',
  ],
])
