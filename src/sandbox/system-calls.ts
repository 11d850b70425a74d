/**
 * The system calls that a command in a sandbox has no use for, as data. Everything else stays open: a filter that guesses
 * what programs need breaks them. What is refused is a way out, a way to others, or a part of the kernel that has been
 * one again and again.
 */
import type { Seccomp, SyscallArgument, SyscallRule } from '../spec/types.ts'

const EPERM = 1
const ENOSYS = 38
const EAFNOSUPPORT = 97

/** What decides about the filter, besides the architecture. */
export interface CallPolicy {
  readonly nested: boolean
  /** Nothing of the kernel stands between the command and the rest of the machine but Landlock: level L. */
  readonly withoutNamespaces: boolean
  /** The caller's network, or one of its own. */
  readonly network: boolean
  /** The process group of the caller is the command's too, where both share a terminal. Default false. */
  readonly sharesGroup?: boolean
  /** Only the TCP ports that Landlock was told. */
  readonly onlyTcp: boolean
  /** Names of what was accepted: see `acceptable`. */
  readonly accepted: ReadonlySet<string>
}

const refuse = (names: string, errnoRet = EPERM, args?: readonly SyscallArgument[]): SyscallRule => ({
  names: names.split(' '),
  action: 'SCMP_ACT_ERRNO',
  errnoRet,
  ...(args === undefined ? {} : { args: [...args] }),
})

/** Done by nobody, and success all the same. */
const pretend = (names: string): SyscallRule => refuse(names, 0)

const INT = 0xffff_ffff
/** The kernel takes 32 bits of such an argument and no notice of the rest, so neither may a comparison. */
const isInt = (index: number, value: number): SyscallArgument => ({
  index,
  op: 'SCMP_CMP_MASKED_EQ',
  value: INT,
  valueTwo: value,
})
const hasBit = (index: number, bit: number): SyscallArgument => ({
  index,
  op: 'SCMP_CMP_MASKED_EQ',
  value: bit >>> 0,
  valueTwo: bit >>> 0,
})
/** The second argument of socket(2); its upper bits are flags. */
const isKind = (kind: number): SyscallArgument => ({ index: 1, op: 'SCMP_CMP_MASKED_EQ', value: 0xf, valueTwo: kind })
const isNot = (index: number, value: number): SyscallArgument => ({ index, op: 'SCMP_CMP_NE', value })

/** Keys outlive the command and belong to the user outside; the others are parts of the kernel with a history. */
const never: readonly SyscallRule[] = [
  refuse('add_key keyctl request_key'),
  refuse(
    'bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register fanotify_init lookup_dcookie',
  ),
  refuse('open_by_handle_at'),
  // Segments of 16 bits, as where a kernel is built without them.
  refuse('modify_ldt', ENOSYS),
  refuse('kexec_load kexec_file_load init_module finit_module delete_module create_module reboot swapon swapoff acct'),
  refuse('quotactl quotactl_fd syslog vhangup iopl ioperm uselib ustat sysfs nfsservctl _sysctl vm86 vm86old'),
  refuse('settimeofday clock_settime stime'),
]

const TIOCSTI = 0x5412
const TIOCLINUX = 0x541c
/** Typing into a terminal, and pasting into a console. */
const typing: readonly SyscallRule[] = [TIOCSTI, TIOCLINUX].map((request) =>
  refuse('ioctl', EPERM, [isInt(1, request)]),
)

/** sys/socket.h: unix, inet, inet6, netlink and packet (which takes a capability) are left. */
const oddFamilies = [3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15]
const PACKET = 17
const families: readonly SyscallRule[] = [
  ...oddFamilies.map((family) => refuse('socket socketpair', EAFNOSUPPORT, [isInt(0, family)])),
  refuse('socket socketpair', EAFNOSUPPORT, [{ index: 0, op: 'SCMP_CMP_GT', value: PACKET }]),
]

/** sched.h: CLONE_NEWTIME (also the exit signal of clone(2), so only for unshare), NS, CGROUP, UTS, IPC, USER, PID, NET. */
const namespaceBits = [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000]
const NEWTIME = 0x80

/** clone3(2) hides its flags in memory; without it every libc takes clone(2). */
const namespaces: readonly SyscallRule[] = [
  ...namespaceBits.map((bit) => refuse('clone unshare', EPERM, [hasBit(0, bit)])),
  refuse('unshare', EPERM, [hasBit(0, NEWTIME)]),
  refuse('clone3', ENOSYS),
  refuse('setns mount umount umount2 pivot_root chroot'),
  refuse('open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr open_tree_attr'),
]

/** sys/resource.h, linux/ioprio.h */
const PRIO_PGRP = 1
const IOPRIO_WHO_PGRP = 2
/** A namespace of processes hides the number of the caller's group, but 0 means the own one: whoever is in it would be reached. */
const ownGroup: readonly SyscallRule[] = [
  refuse('kill', EPERM, [isInt(0, 0)]),
  refuse('setpriority', EPERM, [isInt(0, PRIO_PGRP), isInt(1, 0)]),
  refuse('ioprio_set', EPERM, [isInt(0, IOPRIO_WHO_PGRP), isInt(1, 0)]),
]

const AF_UNIX = 1
const INET = [2, 10]
const NETLINK = 16
const STREAM = 1
const TCP = 6
/** unix(7) makes datagrams of raw ones too. */
const DATAGRAMS = [2, 3]
const MSG_FASTOPEN = 0x2000_0000

/** Where there is one network for all: what Landlock cannot hold is not made at all. */
function sockets({ network, onlyTcp, accepted, withoutNamespaces: isAlone }: CallPolicy): SyscallRule[] {
  // One of a pair of datagram sockets can be turned to any other address; those of a stream are connected for good.
  const unix =
    !isAlone || accepted.has('unix-sockets')
      ? []
      : [
          refuse('socket', EAFNOSUPPORT, [isInt(0, AF_UNIX)]),
          ...DATAGRAMS.map((kind) => refuse('socketpair', EAFNOSUPPORT, [isKind(kind)])),
        ]
  if (!network)
    return [...unix, ...[...INET, NETLINK, PACKET].map((family) => refuse('socket', EAFNOSUPPORT, [isInt(0, family)]))]
  if (!onlyTcp) return unix
  // TCP Fast Open connects without asking Landlock.
  const kinds = [0, 2, 3, 4, 5, 6, 10]
  return [
    ...unix,
    refuse('socket', EAFNOSUPPORT, [isInt(0, PACKET)]),
    ...INET.flatMap((family) => [
      ...kinds.map((kind) => refuse('socket', EAFNOSUPPORT, [isInt(0, family), isKind(kind)])),
      refuse('socket', EAFNOSUPPORT, [isInt(0, family), isKind(STREAM), { index: 2, op: 'SCMP_CMP_GT', value: TCP }]),
      ...[1, 2, 3, 4, 5].map((protocol) => refuse('socket', EAFNOSUPPORT, [isInt(0, family), isInt(2, protocol)])),
    ]),
    refuse('sendto', EPERM, [hasBit(3, MSG_FASTOPEN)]),
    refuse('sendmsg', EPERM, [hasBit(2, MSG_FASTOPEN)]),
    refuse('sendmmsg', EPERM, [hasBit(3, MSG_FASTOPEN)]),
  ]
}

/** Landlock does not ask about these, so at level L they would reach every file of the user. */
const attributes =
  'chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat utime utimes utimensat futimesat file_setattr'

const ioctls = (...requests: number[]): SyscallRule[] =>
  requests.map((request) => refuse('ioctl', EPERM, [isInt(1, request)]))

/**
 * Nor about these, which take nothing but a descriptor to read from: FS_IOC_SETFLAGS, its 32 bits, FS_IOC_FSSETXATTR, that of FAT,
 * both FS_IOC_SETVERSION, FS_IOC_ENABLE_VERITY (nobody can ever write to the file again), FS_IOC_SET_ENCRYPTION_POLICY.
 */
const attributeRequests = ioctls(
  ...[0x4008_6602, 0x4004_6602, 0x401c_5820, 0x4004_7211, 0x4008_7602, 0x4008_6604, 0x4080_6685, 0x800c_6613],
)

/** linux/btrfs.h: subvolumes are made, removed and changed where no other directory can be. */
const subvolumes = ioctls(
  ...[0x5000_9401, 0x5000_940e, 0x5000_940f, 0x5000_9417, 0x5000_9418, 0x4008_941a, 0x5000_943f],
)

/** What namespaces of processes and of System V would keep apart. */
function withoutNamespaces(policy: CallPolicy): SyscallRule[] {
  return [
    // All of it stays in one session and one process group, which a single signal ends.
    pretend('setsid setpgid'),
    refuse('shmget shmat shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl', ENOSYS),
    refuse('mq_open mq_unlink', ENOSYS),
    // Limits and priorities of another process of this user.
    refuse('prlimit64', EPERM, [isNot(0, 0), isNot(2, 0)]),
    refuse('sched_setaffinity', EPERM, [isNot(0, 0)]),
    refuse(
      'setpriority sched_setscheduler sched_setparam sched_setattr ioprio_set migrate_pages move_pages process_madvise',
    ),
    ...subvolumes,
    ...(policy.accepted.has('metadata') ? [] : [refuse(attributes), ...attributeRequests]),
  ]
}

/** Where programs of 32 bits run, sockets are made by a call that keeps its arguments in memory. */
const olderWays = ['SCMP_ARCH_X86', 'SCMP_ARCH_ARM'] as const

export function callProfile(policy: CallPolicy): Seccomp {
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    // Any program may use the machine's other ways to call, and there the old calls hide the family of a socket.
    architectures: policy.accepted.has('32-bit') ? [...olderWays] : [],
    syscalls: [
      ...never,
      ...typing,
      ...families,
      ...(policy.sharesGroup ? ownGroup : []),
      ...(policy.nested ? [] : namespaces),
      ...(policy.withoutNamespaces ? withoutNamespaces(policy) : []),
      ...(policy.withoutNamespaces || policy.onlyTcp ? sockets(policy) : []),
    ],
  }
}
