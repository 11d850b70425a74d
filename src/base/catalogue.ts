/**
 * Every error code with its stock words. docs/errors.md has one heading a code and a test holds the two together.
 * `what` begins with the words that podman, containerd and CRI-O match (reference: cli.md §5.5); never write
 * "no such file or directory" or "permission denied" into a hint, because callers classify by those words.
 */
export interface CatalogueEntry {
  readonly what: string
  readonly why?: string
  readonly fix?: string
  /** Process exit status; 1 when absent. */
  readonly exit?: number
}

const entries = {
  // the command line
  usage: { what: 'incorrect usage' },
  'id-empty': { what: 'container id cannot be empty', fix: 'give the container id as the first argument' },
  'id-invalid': {
    what: 'invalid container ID format',
    fix: 'use 1 to 240 letters, digits, and the characters _ + - . (not "." or "..")',
  },
  'id-in-use': {
    what: 'container with given ID already exists',
    fix: 'choose another id, or remove the old container with: usnea delete --force ID',
  },
  'log-unwritable': { what: 'the log file cannot be written' },
  'not-supported-yet': { what: 'not supported yet' },
  'some-failed': { what: 'not done for some of the containers that match' },

  // state on disk
  'container-missing': { what: 'container does not exist' },
  'container-busy': {
    what: 'another usnea command holds the lock of this container',
    fix: 'wait for it to end; if it hangs, end that process and call again',
  },
  'container-not-running': { what: 'container not running' },
  'container-not-stopped': { what: 'cannot delete a container that is not stopped', fix: 'usnea delete --force ID' },
  'container-not-created': { what: 'cannot start a container that is not in the created state' },
  'exec-stopped': { what: 'cannot exec in a stopped container' },
  'exec-paused': { what: 'cannot exec in a paused container (use --ignore-paused to override)' },
  'container-not-paused': { what: 'container not paused' },
  'process-finished': { what: 'os: process already finished' },
  'state-corrupt': {
    what: 'the state file of the container cannot be read',
    why: 'it is truncated or was not written by usnea',
    fix: 'usnea delete --force ID',
  },
  'state-future': {
    what: 'the state file of the container has a newer format than this usnea knows',
    fix: 'use the usnea that made it, or remove it with: usnea delete --force ID',
  },
  'root-unusable': { what: 'no usable state directory' },
  'xdg-owner': {
    what: 'XDG_RUNTIME_DIR is not ours',
    why: 'the variable was inherited from another user, as su and sudo -u do',
    fix: 'log in with ssh or machinectl, or unset XDG_RUNTIME_DIR, or pass --root DIR',
  },
  'xdg-missing': {
    what: 'no runtime directory was found for this user',
    fix: 'log in through a session (ssh, machinectl), or set XDG_RUNTIME_DIR to a directory of yours with mode 0700, or pass --root DIR',
  },

  // cgroups
  'cgroup-refused': { what: 'unable to apply cgroup configuration' },
  'cgroup-used': {
    what: "container's cgroup is not empty",
    fix: 'end those processes, or give the container another cgroupsPath',
  },
  'cgroup-limit': { what: 'cannot set a limit of the cgroup' },
  'limit-unheld': {
    what: 'nothing enforces a limit that was asked for',
    fix: 'give the container a cgroup that can hold it, or remove the limit; without --strict it is recorded',
  },
  'cgroup-missing': { what: 'the container has no cgroup that could do this' },
  'resources-invalid': { what: 'the resources are not valid' },
  'cgroup-place': { what: 'cannot move a process into the cgroup of the container' },
  'cgroup-busy': {
    what: 'the cgroup of the container cannot be removed',
    fix: 'end the processes that use it, then call again',
  },
  'rdt-missing': { what: 'Intel RDT is not enabled' },
  'rdt-refused': { what: 'cannot set up Intel RDT for the container' },
  'freeze-failed': { what: 'cannot freeze or thaw the container' },
  'systemd-missing': {
    what: 'systemd cgroup flag passed, but systemd support for managing cgroups is not available',
    why: 'this system was not booted with systemd',
    fix: 'leave --systemd-cgroup out (podman: --cgroup-manager cgroupfs; containerd: SystemdCgroup = false)',
  },

  'systemd-unreachable': { what: 'failed to connect to systemd' },
  'systemd-silent': {
    what: 'systemd does not answer',
    fix: 'look whether it hangs: systemctl is-system-running, or systemctl --user is-system-running',
  },
  'systemd-refused': { what: 'systemd refuses' },
  'systemd-unit': {
    what: 'a unit of that name exists already',
    fix: 'stop it (systemctl stop UNIT, or systemctl --user stop UNIT), or give the container another cgroupsPath',
  },

  // the bundle
  'bundle-missing': { what: 'the bundle directory cannot be opened', fix: 'pass --bundle DIR' },
  'config-missing': {
    what: 'config.json not found in the bundle',
    fix: 'make one with: usnea spec --bundle DIR',
  },
  'config-exists': { what: 'File config.json exists. Remove it first' },
  'config-not-json': { what: 'config.json is not valid JSON' },
  'config-invalid': { what: 'config.json is not valid' },
  'process-invalid': { what: 'the process description is not valid' },
  'rootfs-missing': { what: 'the root file system of the bundle does not exist' },
  'rootfs-invalid': { what: 'invalid rootfs: not an absolute path, or a symlink' },
  'rootfs-unreachable': {
    what: "the root file system cannot be reached by the container's user",
    why: 'a directory on the way is closed to the mapped id',
    fix: 'chmod o+x each directory on the way, or move the bundle',
  },
  'rootfs-swapped': {
    what: 'the root file system was replaced while the container was being created',
    fix: 'make sure nothing else writes into the bundle, then create again',
  },

  // user namespace
  'userns-seccomp': {
    what: 'cannot create a user namespace',
    why: 'a seccomp filter around us refuses unshare',
    fix: 'run the outer container with a profile that allows unshare, clone and mount (Docker: --security-opt seccomp=PROFILE.json; Kubernetes: hostUsers: false with a Localhost profile)',
  },
  'userns-sysctl': {
    what: 'cannot create a user namespace',
    why: 'kernel.unprivileged_userns_clone is 0',
    fix: 'sudo sysctl -w kernel.unprivileged_userns_clone=1; to keep it: echo kernel.unprivileged_userns_clone=1 | sudo tee /etc/sysctl.d/99-userns.conf',
  },
  'userns-apparmor': {
    what: 'cannot use a user namespace',
    why: 'kernel.apparmor_restrict_unprivileged_userns is 1 and no AppArmor profile allows this program',
    fix: 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; docs/rootless.md shows a profile that allows only usnea',
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

  // id maps
  'map-helper-missing': {
    what: 'more than one id is asked for, but newuidmap and newgidmap are not installed',
    fix: 'sudo apt-get install uidmap (Debian, Ubuntu) or sudo dnf install shadow-utils (Fedora); or map only your own id',
  },
  'map-helper-nnp': {
    what: 'newuidmap has no effect',
    why: 'no_new_privs is set on our process, so setuid bits and file capabilities are ignored',
    fix: 'unset it where it is set (systemd: NoNewPrivileges=no; Kubernetes: allowPrivilegeEscalation: true), or map only your own id',
  },
  'map-helper-nosuid': {
    what: 'newuidmap has no effect',
    why: 'its file system is mounted nosuid',
    fix: 'install it on a file system without nosuid, or map only your own id',
  },
  'map-helper-bit': {
    what: 'newuidmap has no effect',
    why: 'it has neither the setuid bit nor the file capability (they get lost in image layers and with cp)',
    fix: 'sudo chmod u+s /usr/bin/newuidmap /usr/bin/newgidmap, or reinstall the uidmap package',
  },
  'map-helper-bounding': {
    what: 'newuidmap has no effect',
    why: 'the capability bounding set of our process lacks CAP_SETUID or CAP_SETGID',
    fix: 'give the outer container SETUID and SETGID (Docker: --cap-add SETUID,SETGID), or map only your own id',
  },
  'map-helper-owner': {
    what: 'newuidmap has no effect',
    why: 'it belongs to a user that is not mapped in the user namespace around us, so its setuid bit is ignored',
    fix: 'use an outer namespace with id ranges, or map only your own id',
  },
  'map-helper-failed': { what: 'newuidmap or newgidmap failed' },
  'map-range': {
    what: 'an id range of the map is not ours to use',
    fix: 'sudo usermod --add-subuids START-END --add-subgids START-END USER',
  },
  'map-no-passwd': {
    what: 'newuidmap cannot find our user name',
    why: 'our user id has no entry in the user database',
    fix: 'add one to /etc/passwd of the outer container, or map only your own id',
  },
  'map-invalid': { what: 'the id map is not valid' },
  'map-too-long': {
    what: 'the id map is longer than the kernel takes in one write',
    why: 'a map may have 340 lines and must be shorter than one page',
    fix: 'use fewer, larger ranges',
  },
  'map-refused': { what: 'the kernel refused the id map' },
  'user-unmapped': {
    what: 'cannot setuid to unmapped uid in user namespace',
    fix: 'sudo usermod --add-subuids START-END --add-subgids START-END USER, then create the container again',
  },
  'groups-denied': {
    what: 'cannot set any additional groups in a rootless container',
    why: 'with one mapped id the kernel denies setgroups',
    fix: 'install newgidmap and give the user a range in /etc/subgid, or remove additionalGids',
  },
  'owner-unmapped': {
    what: 'an owner cannot be changed to an id outside the map',
    fix: 'sudo usermod --add-subuids START-END --add-subgids START-END USER',
  },

  // mounts and the root
  'proc-masked': {
    what: 'error mounting "proc"',
    why: 'the /proc around us is partly covered, and the kernel refuses a fresh one then',
    fix: 'uncover it (Docker: --security-opt systempaths=unconfined; podman: --security-opt unmask=ALL; Kubernetes: procMount: Unmasked), or join the outer pid namespace',
  },
  'sysfs-netns': {
    what: 'error mounting "sysfs"',
    why: 'a fresh sysfs needs a network namespace of its own',
    fix: 'add a network namespace, or bind /sys with the options rbind and rro',
  },
  'mount-locked': {
    what: 'a mount flag of the source is locked and cannot be cleared',
    fix: 'remove the option that clears it (dev, suid, exec, atime) from the mount',
  },
  'mount-source-missing': { what: 'the source of a bind mount does not exist', fix: 'create it, or remove the mount' },
  'mount-fs-refused': {
    what: 'the kernel refuses this file system type inside a user namespace',
    fix: 'mount it on the host and bind it',
  },
  'mount-failed': { what: 'a mount failed' },
  'mount-symlink': {
    what: 'must be mounted on ordinary directory',
    why: 'the image has a symbolic link there',
    fix: 'replace the link in the image by an empty directory',
  },
  'pivot-failed': { what: 'cannot change the root', fix: 'try --no-pivot' },
  'net-device': { what: 'a network device cannot be moved into the container' },
  'device-refused': {
    what: 'a device node cannot be made',
    why: 'device nodes cannot be made inside a user namespace, and the host has no such node to bind',
    fix: 'remove the device, or make the node on the host',
  },

  // the process
  'setup-failed': { what: 'the container cannot be set up' },
  'rlimit-raise': {
    what: 'error setting a resource limit',
    why: 'only real root may raise a hard limit',
    fix: 'lower it in config.json, or raise it in the session before (ulimit -H, limits.conf)',
  },
  'cwd-missing': { what: 'cannot change to the working directory of the process' },
  'cwd-outside': {
    what: 'the working directory is outside of the container',
    why: 'the path leads through a descriptor or link to a place outside the root',
    fix: 'set process.cwd to a path inside the root',
  },
  'exec-not-found': {
    what: 'executable file not found in $PATH',
    fix: 'check process.args[0] and the PATH in process.env',
  },
  'exec-interpreter': { what: 'the interpreter of the program does not exist' },
  'exec-denied': { what: 'the program cannot be executed' },
  'exec-failed': { what: 'the program cannot be executed' },
  'hook-failed': {
    what: 'a hook failed',
    fix: 'run the hook by hand with the state on its stdin, or remove it from config.json',
  },
  'hook-timeout': { what: 'a hook ran past its timeout', fix: 'raise its timeout in config.json, or mend the hook' },
  'preserve-fds': { what: 'please check that the preserved file descriptors are open' },
  'terminal-failed': { what: 'cannot open a terminal in the container' },
  'terminal-socket': { what: 'a terminal and the socket for it do not belong together' },
  'socket-failed': { what: 'a descriptor could not be handed over' },
  'seccomp-failed': { what: 'the seccomp filter could not be loaded' },
  'seccomp-agent': {
    what: 'the seccomp agent does not take the listener',
    fix: 'start the agent that listens at linux.seccomp.listenerPath first, and keep it reading',
  },
  'notify-failed': {
    what: 'NOTIFY_SOCKET cannot be passed on to the container',
    fix: 'unset NOTIFY_SOCKET to run it without',
  },
  'pid-file': { what: 'the pid file cannot be written' },
  interrupted: {
    what: 'interrupted by a signal',
    why: 'it came before the program ran',
    fix: 'call it again: nothing was left behind',
  },
  'init-died': { what: 'the container ended before it was set up' },
  'kill-failed': { what: 'the signal could not be sent' },
  'signal-unknown': { what: 'unknown signal', fix: 'use a name such as TERM or RTMIN+3, or a number up to 64' },
  'ps-missing': {
    what: 'the host has no ps program',
    fix: 'install procps, or use: usnea ps --format json ID',
  },
  'ps-failed': { what: 'the ps program of the host failed' },

  // checkpoint and restore
  'criu-missing': {
    what: 'criu is not installed',
    fix: 'sudo apt-get install criu (Debian, Ubuntu) or sudo dnf install criu (Fedora)',
  },
  'criu-old': { what: 'criu is too old', fix: 'install criu 3.15 or newer' },
  'criu-privileges': {
    what: 'checkpoint and restore need real root',
    why: 'criu reads and makes every namespace, mount and id of a container; CAP_CHECKPOINT_RESTORE alone lets it handle only processes without namespaces of their own',
    fix: 'run the container, and this command, as root on the host',
  },
  'criu-feature': { what: 'criu cannot do this on this machine' },
  'criu-failed': { what: 'criu failed' },
  'image-unusable': { what: 'the directory of the image cannot be used' },

  // ourselves
  'native-missing': {
    what: 'the native part of usnea was not found',
    fix: 'npm run build in the checkout, or reinstall the package for this architecture',
  },
  'memfd-refused': {
    what: 'cannot make the sealed copy of init',
    why: 'vm.memfd_noexec refuses executable memory files, or memory is short',
    fix: 'sudo sysctl -w vm.memfd_noexec=1',
  },
  'spawn-failed': { what: 'cannot start init' },
  'plan-refused': {
    what: 'init refused the plan',
    why: 'the library and init are of different builds',
    fix: 'run npm run build again, or reinstall the package',
  },
  'level-unmet': { what: 'the isolation that was required cannot be had here' },
  'sandbox-option': { what: 'a sandbox option is not valid' },
  internal: { what: 'internal error', fix: 'please report it' },
} as const satisfies Record<string, CatalogueEntry>

export type Code = keyof typeof entries

export const catalogue: Readonly<Record<Code, CatalogueEntry>> = entries
