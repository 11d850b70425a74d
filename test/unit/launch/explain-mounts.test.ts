// The root, its mounts and its devices: each way they fail, with the machine they fail on and the whole message.
import { parseMountinfo } from '../../../src/host/mountinfo.ts'
import { aHost, cleanMounts, nestedRoot, realRoot } from '../host/literal.ts'
import { explains, failed } from './failures.ts'

const masked = [
  ...cleanMounts,
  ...parseMountinfo('9 2 0:9 / /proc/kcore ro - tmpfs tmpfs ro\n10 2 0:9 / /proc/acpi ro - tmpfs tmpfs ro'),
]
const maskedSys = [...cleanMounts, ...parseMountinfo('9 3 0:9 / /sys/firmware ro - tmpfs tmpfs ro')]
const mount = (fstype: string, target: string, data = '', source = fstype) =>
  ({ op: 'mount', fstype, source, target, flags: 0, data, nofollow: 0, origin: '/mounts/0' }) as const
const bind = (flags = 0) =>
  ({ op: 'bind', source: '/srv/data', target: '/data', flags, slot: 0, origin: '/mounts/3' }) as const
const attr = (set: number, clear: number, recursive = 0) =>
  ({ op: 'attr', target: '/data', set, clear, recursive, spare: 0, locked: 0, origin: '/mounts/3' }) as const
const root = { op: 'root', path: '/home/alice/b/rootfs', dev: 1, ino: 2, origin: '/root/path' } as const

explains([
  [
    'proc masked',
    failed(mount('proc', '/proc'), 'EPERM', aHost({ mounts: masked, freshProc: false })),
    'proc-masked',
    'error mounting "proc" to rootfs at "/proc": operation not permitted (/mounts/0); cause: the kernel allows a fresh proc only where a whole one is visible, and /proc/kcore, /proc/acpi are mounted over it; fix: uncover it in the outer container (Docker: --security-opt systempaths=unconfined; podman: --security-opt unmask=ALL; Kubernetes: procMount: Unmasked with hostUsers: false), or bind the outer one: {"destination": "/proc", "type": "bind", "source": "/proc", "options": ["rbind"]}',
  ],
  [
    'proc no pidns',
    failed(mount('proc', '/proc'), 'EPERM', aHost()),
    'proc-masked',
    'error mounting "proc" to rootfs at "/proc": operation not permitted (/mounts/0); cause: probably the container has no pid namespace of its own, which a fresh proc needs; fix: add {"type": "pid"} to linux.namespaces, or bind the outer /proc with the option rbind',
  ],
  [
    'sysfs no netns',
    failed(mount('sysfs', '/sys'), 'EPERM', aHost()),
    'sysfs-netns',
    'error mounting "sysfs" to rootfs at "/sys": operation not permitted (/mounts/0); cause: a fresh sysfs needs a network namespace that belongs to the user namespace of the container; fix: add {"type": "network"} to linux.namespaces, or bind /sys with the options rbind and rro',
  ],
  [
    'sysfs covered',
    failed(mount('sysfs', '/sys'), 'EPERM', aHost({ mounts: maskedSys, freshSysfs: false })),
    'sysfs-netns',
    'error mounting "sysfs" to rootfs at "/sys": operation not permitted (/mounts/0); cause: the kernel allows a fresh sysfs only where a whole one is visible, and /sys/firmware is mounted over it; fix: bind the outer one: {"destination": "/sys", "type": "bind", "source": "/sys", "options": ["rbind", "rro"]}',
  ],
  [
    'mqueue',
    failed(mount('mqueue', '/dev/mqueue'), 'EPERM', aHost()),
    'mount-failed',
    'error mounting "mqueue" to rootfs at "/dev/mqueue": operation not permitted (/mounts/0); cause: probably the container has no ipc namespace of its own, which mqueue needs; fix: add {"type": "ipc"} to linux.namespaces, or remove the mount',
  ],
  [
    'cgroup',
    failed(mount('cgroup2', '/sys/fs/cgroup'), 'EPERM', aHost()),
    'mount-failed',
    'error mounting "cgroup2" to rootfs at "/sys/fs/cgroup": operation not permitted (/mounts/0); cause: probably the container has no cgroup namespace of its own, which this type needs; fix: add {"type": "cgroup"} to linux.namespaces, or bind /sys/fs/cgroup with the options rbind and rro',
  ],
  [
    'ext4',
    failed(mount('ext4', '/mnt', '', '/dev/sda1'), 'EPERM', aHost()),
    'mount-fs-refused',
    'error mounting "/dev/sda1" to rootfs at "/mnt": operation not permitted (/mounts/0); cause: the kernel does not let a user namespace mount ext4; fix: mount it on the host and bind it',
  ],
  [
    'unknown fs',
    failed(mount('zfs', '/mnt'), 'ENODEV', aHost()),
    'mount-fs-refused',
    'error mounting "zfs" to rootfs at "/mnt": no such device (/mounts/0); cause: this kernel has no file system type zfs; fix: sudo modprobe zfs on the host, or correct the type',
  ],
  [
    'devpts gid',
    failed(mount('devpts', '/dev/pts', 'newinstance,gid=5'), 'EINVAL', aHost()),
    'mount-failed',
    'error mounting "devpts" to rootfs at "/dev/pts": invalid argument (/mounts/0); cause: probably gid=5 is not mapped in the user namespace of the container; fix: remove gid=5 from the options, or map that id',
  ],
  [
    'tmpfs data',
    failed(mount('tmpfs', '/tmp', 'sise=5'), 'EINVAL', aHost()),
    'mount-failed',
    'error mounting "tmpfs" to rootfs at "/tmp": invalid argument (/mounts/0); cause: probably tmpfs does not know one of the options "sise=5"; fix: remove the option that tmpfs does not know; sudo dmesg often names it',
  ],
  [
    'overlay on nfs',
    failed(
      mount('overlay', '/', 'lowerdir=/l,upperdir=/nfs/u,workdir=/nfs/w'),
      'EINVAL',
      aHost({ mounts: [...cleanMounts, ...parseMountinfo('20 1 0:50 / /nfs rw - nfs4 srv:/x rw')] }),
    ),
    'mount-failed',
    'error mounting "overlay" to rootfs at "/": invalid argument (/mounts/0); cause: upperdir lies on nfs4, which cannot hold one; fix: put upperdir and workdir side by side on a local file system (ext4, xfs, tmpfs), and add the option userxattr inside a user namespace (Linux 5.11)',
  ],
  [
    'mount symlink',
    failed(mount('proc', '/proc'), 'ELOOP', aHost()),
    'mount-symlink',
    'error mounting "proc" to rootfs at "/proc": "/proc" must be mounted on ordinary directory: too many levels of symbolic links (/mounts/0); cause: the image has a symbolic link on the way to it; fix: replace the link in the image by an empty directory',
  ],
  [
    'mount seccomp',
    failed(mount('tmpfs', '/tmp'), 'EPERM', realRoot({ seccomp: 2 })),
    'mount-failed',
    'error mounting "tmpfs" to rootfs at "/tmp": operation not permitted (/mounts/0); cause: probably the seccomp filter around us (Seccomp: 2 in /proc/self/status); fix: start the outer container with a profile that allows to build containers: usnea doctor --profile docker (or podman, kubernetes) prints one and the flags',
  ],
  [
    'mount target',
    failed(mount('tmpfs', '/a/b'), 'EROFS', aHost()),
    'mount-failed',
    'error mounting "tmpfs" to rootfs at "/a/b": read-only file system (/mounts/0); cause: the target is missing in the image, and the root around it is read-only; fix: make the target in the image',
  ],
  [
    'bind source missing',
    failed(bind(), 'ENOENT', aHost(), 'source'),
    'mount-source-missing',
    'error mounting "/srv/data" to rootfs at "/data": the source is missing: no such file or directory (/mounts/3); cause: nothing is at /srv/data; fix: mkdir -p /srv/data, or remove the mount',
  ],
  [
    'bind target missing',
    failed(bind(), 'ENOENT', aHost(), 'target'),
    'mount-failed',
    'error mounting "/srv/data" to rootfs at "/data": no such file or directory (/mounts/3); cause: the target is missing in the image, and may not be made; fix: make /data in the image',
  ],
  [
    'bind locked',
    failed(
      bind(),
      'EINVAL',
      aHost({ mounts: [...cleanMounts, ...parseMountinfo('20 1 0:50 / /srv/data/x rw - tmpfs t rw')] }),
      'source',
    ),
    'mount-locked',
    'error mounting "/srv/data" to rootfs at "/data": invalid argument (/mounts/3); cause: the mounts below the source are locked to it in a user namespace: /srv/data/x; fix: bind with the option rbind instead of bind',
  ],
  [
    'bind closed',
    failed(bind(1), 'EACCES', aHost(), 'source'),
    'mount-failed',
    'error mounting "/srv/data" to rootfs at "/data": permission denied (/mounts/3); cause: probably a directory on the way to the source is closed to the user that we are in the container; fix: chmod o+x each directory on the way (namei -m /srv/data shows them)',
  ],
  [
    'bind kind',
    failed(bind(1), 'ENOTDIR', aHost(), 'the source is a directory, the target is a file'),
    'mount-failed',
    'error mounting "/srv/data" to rootfs at "/data": not a directory (/mounts/3); cause: the source is a directory, the target is a file; fix: make the target in the image of the same kind as the source',
  ],
  [
    'bind symlink',
    failed(bind(1), 'ELOOP', aHost(), 'target'),
    'mount-symlink',
    'error mounting "/srv/data" to rootfs at "/data": "/data" must be mounted on ordinary directory: too many levels of symbolic links (/mounts/3); cause: the image has a symbolic link on the way to it; fix: replace the link in the image by an empty directory',
  ],
  [
    'attr locked',
    failed(attr(0, 0x6), 'EPERM', aHost()),
    'mount-locked',
    'error mounting to rootfs at "/data": cannot set suid,dev: operation not permitted (/mounts/3); cause: the source has nosuid, nodev, and a user namespace cannot clear what it inherited; fix: remove suid, dev from the options of the mount',
  ],
  [
    'attr rec',
    failed(attr(1, 0, 1), 'ENOSYS', aHost()),
    'mount-failed',
    'error mounting to rootfs at "/data": cannot set ro recursively: function not implemented (/mounts/3); cause: recursive attributes need mount_setattr of Linux 5.12, and this is 6.8.0-test; or a seccomp filter around us hides it; fix: use ro instead of rro (mounts below stay writable then), or a newer kernel',
  ],
  [
    'hold',
    failed({ op: 'hold', path: '/opt/x', slot: 1, origin: 'ro[0]' }, 'ENOENT', aHost()),
    'mount-source-missing',
    'cannot open /opt/x for the container (open_tree): no such file or directory (ro[0]); cause: nothing is there; fix: make /opt/x, or remove it from the options',
  ],
  [
    'root swapped',
    failed(root, 'ESTALE', aHost()),
    'rootfs-swapped',
    'cannot use /home/alice/b/rootfs as the root of the container: stale file handle (/root/path); cause: it was replaced while the container was being created, or a part of the path is a symbolic link; fix: make sure nothing else writes into the bundle, then create again',
  ],
  [
    'root missing',
    failed(root, 'ENOENT', aHost()),
    'rootfs-missing',
    'cannot use /home/alice/b/rootfs as the root of the container: no such file or directory (/root/path); cause: nothing is there; fix: unpack an image there, or correct root.path',
  ],
  [
    'root closed',
    failed(root, 'EACCES', aHost()),
    'rootfs-unreachable',
    'cannot use /home/alice/b/rootfs as the root of the container: permission denied (/root/path); cause: probably /home/alice, or a directory below it, is closed to the mapped user; fix: chmod o+x each directory on the way (namei -m /home/alice/b/rootfs shows them), or move the bundle',
  ],
  [
    'pivot initramfs',
    failed(
      { op: 'pivot', way: 0, hidden: [], origin: '/root/path' },
      'EINVAL',
      realRoot({ mounts: parseMountinfo('1 1 0:2 / / rw - rootfs rootfs rw') }),
    ),
    'pivot-failed',
    'cannot change the root (pivot_root, then mount MS_MOVE): invalid argument (/root/path); cause: the root around us is the initramfs, which can neither be pivoted nor covered here; fix: switch to a real root file system first (switch_root), or try --no-pivot',
  ],
  [
    'pivot seccomp',
    failed({ op: 'pivot', way: 0, hidden: [], origin: '/root/path' }, 'EPERM', nestedRoot({ seccomp: 2 })),
    'pivot-failed',
    'cannot change the root (pivot_root, then mount MS_MOVE): operation not permitted (/root/path); cause: probably the seccomp filter around us (Seccomp: 2 in /proc/self/status); fix: start the outer container with a profile that allows to build containers: usnea doctor --profile docker (or podman, kubernetes) prints one and the flags',
  ],
  [
    'rootAttr',
    failed({ op: 'rootAttr', set: 1, propagation: 0, origin: '/root/readonly' }, 'EPERM', aHost()),
    'mount-locked',
    'cannot set the mount attributes of the root (read-only, or its propagation): operation not permitted (/root/readonly); cause: a flag of the mount is locked by the user namespace around us; fix: remove root.readonly or linux.rootfsPropagation',
  ],
  [
    'device',
    failed(
      {
        op: 'device',
        path: '/dev/fuse',
        type: 0o020000,
        major: 10,
        minor: 229,
        mode: 0o666,
        uid: 0,
        gid: 0,
        origin: '/linux/devices/0',
      },
      'EPERM',
      aHost(),
    ),
    'device-refused',
    'cannot make the device /dev/fuse (mknod c 10:229): operation not permitted (/linux/devices/0); cause: device nodes cannot be made inside a user namespace; fix: remove the device from linux.devices, or bind the node of the host: {"type": "bind", "source": PATH, "destination": PATH, "options": ["bind"]}',
  ],
  [
    'device bind',
    failed(
      {
        op: 'deviceBind',
        source: '/dev/fuse',
        path: '/dev/fuse',
        type: 0o020000,
        major: 10,
        minor: 229,
        origin: '/linux/devices/0',
      },
      'ENOENT',
      aHost(),
    ),
    'device-refused',
    'cannot bind the device /dev/fuse (c 10:229) of the host to /dev/fuse: no such file or directory (/linux/devices/0); cause: device nodes cannot be made inside a user namespace, and the host has no such node to bind; fix: sudo mknod /dev/fuse c 10 229 on the host, or remove the device',
  ],
  [
    'device bind other',
    failed(
      {
        op: 'deviceBind',
        source: '/dev/fuse',
        path: '/dev/fuse',
        type: 0o020000,
        major: 10,
        minor: 229,
        origin: '/linux/devices/0',
      },
      'ENODEV',
      aHost(),
    ),
    'device-refused',
    'cannot bind the device /dev/fuse (c 10:229) of the host to /dev/fuse: no such device (/linux/devices/0); cause: what the host has at /dev/fuse is not the device c 10:229; fix: correct type, major and minor of the device; ls -l shows those of the host',
  ],
])
