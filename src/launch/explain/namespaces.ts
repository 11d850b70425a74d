/** Making, joining and setting up namespaces. */

import { cloneFlags } from '../../kernel/constants.ts'
import { CAP_SETFCAP, hasCapability } from '../../linux/idmap/powers.ts'
import { ANY, bitNames, type Cause, type Table } from './entry.ts'
import { nprocCause } from './limits.ts'
import { refusals, restrictedUserns } from './refusal.ts'
import { userCauses } from './userns.ts'

const CAP_NET_ADMIN = 12n
const CAP_SYS_ADMIN = 21n

const namesOf = (flags: bigint | number): string => bitNames(flags, Object.entries(cloneFlags)).join(', ')

/** The other namespaces: they need CAP_SYS_ADMIN, which a new user namespace gives. */
const otherCauses: readonly Cause<'born' | 'unshare'>[] = [
  ...refusals,
  {
    errno: 'EPERM',
    when: ({ host }) => !host.rootlessEuid && !hasCapability(host.capEffective, CAP_SYS_ADMIN),
    why: 'our process lacks CAP_SYS_ADMIN',
    fix: 'add {"type": "user"} to linux.namespaces, or give the outer container SYS_ADMIN (Docker: --cap-add SYS_ADMIN)',
  },
  {
    errno: ['ENOSPC', 'EUSERS'],
    why: ({ op }) =>
      `a limit of namespaces is used up (user.max_*_namespaces for ${namesOf(op.flags)}), or they are nested deeper than 32`,
    fix: 'end some containers (lsns lists their namespaces), or raise the limit: sysctl user | grep max shows it',
  },
  {
    errno: 'EINVAL',
    why: ({ op, host }) => `this kernel (${host.kernel.release}) lacks one of: ${namesOf(op.flags)}`,
    fix: 'remove that namespace from linux.namespaces, or use a kernel that has it (time: 5.6, cgroup: 4.6)',
  },
  { ...nprocCause, code: 'userns-nproc' },
]

/** The causes of a user namespace, where one is among those that were asked for. */
const onlyForUser = userCauses.map(
  (cause): Cause<'born' | 'unshare'> => ({
    ...cause,
    when: (attempt) => (BigInt(attempt.op.flags) & BigInt(cloneFlags.user)) !== 0n && (cause.when?.(attempt) ?? true),
  }),
)

/** /proc/self is written by the new process itself. */
const procCauses: readonly Cause<'mapSelf' | 'timeOffset' | 'oomScore'>[] = [
  {
    errno: 'EROFS',
    why: '/proc is mounted read-only here',
    fix: 'mount /proc read-write in the outer container',
  },
  {
    errno: 'ENOENT',
    why: '/proc is not mounted here, or the kernel has no such file',
    fix: 'mount /proc in the outer container',
  },
]

type Names =
  | 'enterCgroup'
  | 'unshareUser'
  | 'mapSelf'
  | 'join'
  | 'timeOffset'
  | 'born'
  | 'unshare'
  | 'session'
  | 'propagate'
  | 'loopback'
  | 'holdNamespaces'
  | 'hostname'
  | 'domainname'

export const explainNamespaces: Table<Names> = {
  enterCgroup: {
    code: 'cgroup-place',
    what: ({ op }) => `cannot enter the cgroup ${op.path}`,
    causes: [
      { errno: 'ENOENT', why: 'somebody has removed it', fix: 'try again' },
      {
        errno: ['EACCES', 'EPERM'],
        why: 'between our own cgroup and that one we may not move processes: it is not delegated to us',
        fix: 'usnea doctor shows which cgroups are ours',
      },
    ],
  },
  unshareUser: {
    code: 'userns-refused',
    what: 'cannot create a user namespace (unshare CLONE_NEWUSER)',
    causes: userCauses,
  },
  born: {
    code: 'ns-refused',
    what: ({ op }) => `cannot create the first process of the container${inNew(op.flags)} (clone)`,
    causes: [...onlyForUser, ...otherCauses],
  },
  unshare: {
    code: 'ns-refused',
    what: ({ op }) => `cannot create new namespaces: ${namesOf(op.flags)} (unshare)`,
    causes: [...onlyForUser, ...otherCauses],
  },
  mapSelf: {
    code: 'map-refused',
    what: ({ op }) =>
      `cannot map the user ${op.innerUid} and the group ${op.innerGid} of the container to our ${op.outerUid} and ${op.outerGid}`,
    causes: [
      restrictedUserns,
      {
        errno: 'EPERM',
        when: ({ op, host }) => Number(op.outerUid) !== host.uid || Number(op.outerGid) !== host.gid,
        code: 'map-range',
        why: ({ host }) => `without a helper only our own ids can be mapped, and they are ${host.uid} and ${host.gid}`,
        fix: ({ host }) => `set hostID to ${host.uid} in uidMappings and to ${host.gid} in gidMappings, with size 1`,
      },
      {
        errno: 'EPERM',
        when: ({ op, host }) => Number(op.outerUid) === 0 && !hasCapability(host.capEffective, CAP_SETFCAP),
        why: 'our process lacks CAP_SETFCAP, which mapping the user 0 around us needs since Linux 5.12',
        fix: 'give the outer container SETFCAP (Docker: --cap-add SETFCAP), or run usnea as another user',
      },
      {
        errno: ['EPERM', 'EACCES'],
        why: 'probably a security module refuses it: the kernel itself allows everyone to map the own id',
        fix: 'look for a denial with: sudo dmesg; sudo ausearch -m avc -ts recent',
      },
      ...procCauses,
    ],
  },
  join: {
    code: 'ns-join',
    what: ({ op }) => `cannot join the ${op.name} (setns)`,
    saysDetail: true,
    causes: [
      {
        errno: 'EPERM',
        why: 'probably we lack CAP_SYS_ADMIN in the user namespace that owns it',
        fix: 'join the user namespace it belongs to as well (linux.namespaces: {"type": "user", "path": "/proc/PID/ns/user"}), as the user who made it',
      },
      {
        errno: 'EINVAL',
        why: 'the file is not a namespace of this type, or we are in that user namespace already, or it is a pid namespace that is not below ours',
        fix: 'let path name a file such as /proc/PID/ns/net that fits the type; ls -l shows what it is',
      },
      {
        errno: ['ESRCH', 'ENOENT', 'EBADF'],
        why: 'the process it belonged to has ended',
        fix: 'name a namespace of a running process',
      },
      {
        errno: 'EUSERS',
        why: 'a limit of namespaces is reached (user.max_*_namespaces)',
        fix: 'end some containers, or raise the limit: sysctl user | grep max shows it',
      },
    ],
  },
  timeOffset: {
    code: 'setup-failed',
    what: ({ op }) =>
      `cannot set the time offsets "${op.text.trim().replaceAll('\n', ', ')}" (/proc/self/timens_offsets)`,
    saysDetail: true,
    causes: [
      {
        errno: 'ERANGE',
        why: 'a clock would become negative or pass 146 years',
        fix: 'use a smaller offset in linux.timeOffsets',
      },
      { errno: 'EINVAL', why: 'nanosecs must be between 0 and 999999999', fix: 'correct linux.timeOffsets' },
      {
        errno: ['EACCES', 'EPERM'],
        why: 'a process is in the time namespace already, or we lack CAP_SYS_TIME in it',
        fix: 'create a new time namespace for the container',
      },
      ...procCauses,
    ],
  },
  session: { code: 'setup-failed', what: 'cannot start a session (setsid)', causes: [] },
  propagate: {
    code: 'setup-failed',
    what: 'cannot cut the mounts of the container off from the host (mount MS_SLAVE on /)',
    causes: [
      ...refusals,
      {
        errno: 'EINVAL',
        why: 'our / is not a mount point, so we probably run inside a chroot',
        fix: 'enter the directory with unshare --mount --root DIR, or bind it on itself before the chroot',
      },
    ],
  },
  loopback: {
    code: 'setup-failed',
    what: 'cannot bring up the loopback interface (SIOCSIFFLAGS on lo)',
    causes: [
      {
        errno: 'EPERM',
        when: ({ host }) => host.realRoot && !hasCapability(host.capEffective, CAP_NET_ADMIN),
        why: 'our process lacks CAP_NET_ADMIN, and without a user namespace it is needed',
        fix: 'add {"type": "user"} to linux.namespaces, or give the outer container NET_ADMIN (Docker: --cap-add NET_ADMIN)',
      },
      ...refusals,
      {
        errno: 'EPERM',
        why: 'probably the network namespace belongs to another user namespace',
        fix: 'create a network namespace, or join the user namespace it belongs to',
      },
      {
        errno: ['ENODEV', 'EAFNOSUPPORT'],
        why: 'this kernel has no IPv4',
        fix: 'remove the network namespace from linux.namespaces',
      },
    ],
  },
  holdNamespaces: {
    code: 'setup-failed',
    what: 'cannot hold the namespaces of the container',
    causes: [{ errno: ANY, why: 'it is allowed to fail in silence', fix: 'please report it' }],
  },
  hostname: {
    code: 'setup-failed',
    what: ({ op }) => `cannot set the hostname "${op.name}" (sethostname)`,
    causes: utsCauses('hostname'),
  },
  domainname: {
    code: 'setup-failed',
    what: ({ op }) => `cannot set the domainname "${op.name}" (setdomainname)`,
    causes: utsCauses('domainname'),
  },
}

function inNew(flags: bigint | number): string {
  return BigInt(flags) === 0n ? '' : ` in new namespaces: ${namesOf(flags)}`
}

function utsCauses(field: 'hostname' | 'domainname'): readonly Cause<'hostname' | 'domainname'>[] {
  return [
    ...refusals,
    {
      errno: 'EPERM',
      why: 'probably the uts namespace is not the own one of the container',
      fix: `add {"type": "uts"} to linux.namespaces, or remove ${field}`,
    },
    { errno: ['EINVAL', 'ENAMETOOLONG'], why: 'it is longer than 64 bytes', fix: `shorten ${field}` },
  ]
}
