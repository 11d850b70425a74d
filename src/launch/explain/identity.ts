/** Who the program is and what it may use. */
import { CAP_SYS_RESOURCE, rlimitNumbers } from '../../kernel/constants.ts'
import { grantCommand } from '../../linux/idmap/grant.ts'
import { capabilityNames, rlimitNames } from '../../spec/names.ts'
import type { Attempt, Cause, Table } from './entry.ts'
import { mapFix } from './ids.ts'
import { limitText, nprocCause } from './limits.ts'
import { refusals, restrictedUserns } from './refusal.ts'

type Names = 'groups' | 'become' | 'umask' | 'rlimit' | 'bounding' | 'user' | 'caps' | 'noNewPrivs' | 'oomScore'

const nprocUser: Cause<'become' | 'user'> = { ...nprocCause, code: 'userns-nproc' }

/** init says which of the three calls failed. */
type UserPart = 'setgroups' | 'setgid' | 'setuid'

const isPart = (part: UserPart) => (attempt: Attempt<'user'>) => attempt.detail === part

const rlimitName = (resource: bigint | number): string => rlimitNames[Number(resource)] ?? `resource ${resource}`

function capabilitiesOf(mask: bigint): string {
  const names = capabilityNames.filter((_, bit) => (mask & (1n << BigInt(bit))) !== 0n)
  return names.join(', ') || 'none'
}

const userCauses: readonly Cause<'user'>[] = [
  {
    errno: 'EINVAL',
    when: isPart('setgroups'),
    code: 'user-unmapped',
    what: ({ op }) =>
      `cannot set additional groups to unmapped gids in user namespace (setgroups ${op.groups.join(' ')})`,
    why: 'one of them is not mapped in the user namespace of the container',
    fix: ({ op, host }) => mapFix(host, 'gid', Math.max(0, ...op.groups.map(Number))),
  },
  {
    errno: 'EPERM',
    when: isPart('setgroups'),
    code: 'groups-denied',
    what: 'cannot set any additional groups in a rootless container',
    why: 'setgroups is denied in the user namespace: only one group id is mapped, or the namespace around us denies it',
    fix: ({ host }) => `${grantCommand(host)}, with newgidmap installed; or remove additionalGids`,
  },
  {
    errno: 'EINVAL',
    when: isPart('setgid'),
    code: 'user-unmapped',
    what: ({ op }) => `cannot setgid to unmapped gid ${op.gid} in user namespace`,
    why: ({ op }) => `the map of the container has no group ${op.gid}`,
    fix: ({ op, host }) => mapFix(host, 'gid', Number(op.gid)),
  },
  {
    errno: 'EINVAL',
    code: 'user-unmapped',
    what: ({ op }) => `cannot setuid to unmapped uid ${op.uid} in user namespace`,
    why: ({ op }) => `the map of the container has no user ${op.uid}`,
    fix: ({ op, host }) => mapFix(host, 'uid', Number(op.uid)),
  },
  nprocUser,
  ...refusals,
  {
    errno: 'EPERM',
    why: 'probably our process lacks CAP_SETUID or CAP_SETGID',
    fix: 'give the outer container SETUID and SETGID (Docker: --cap-add SETUID,SETGID), or add a user namespace',
  },
]

export const explainIdentity: Table<Names> = {
  groups: {
    code: 'groups-denied',
    what: ({ op }) => `cannot keep just these supplementary groups: ${op.ids.join(' ') || 'none'} (setgroups)`,
    causes: [
      {
        errno: 'EPERM',
        why: 'probably a security module or a seccomp filter around us refuses it: what the kernel asks for was had',
        fix: 'look for a denial with: sudo dmesg; or keep them all: --groups all',
      },
      {
        errno: 'EINVAL',
        why: 'one of them is not mapped in the user namespace',
        fix: 'name only groups that the caller has here, or keep them all: --groups all',
      },
    ],
  },
  become: {
    code: 'map-refused',
    what: ({ op }) => `cannot become user ${op.uid} and group ${op.gid} of the new user namespace (setresuid)`,
    causes: [
      {
        errno: 'EINVAL',
        why: 'one of the two ids is not mapped there',
        fix: ({ op, host }) => mapFix(host, 'uid', Number(op.uid)),
      },
      restrictedUserns,
      {
        errno: 'EPERM',
        when: ({ op }) => BigInt(op.clearGroups) !== 0n,
        code: 'groups-denied',
        why: 'setgroups is denied in the user namespace',
        fix: ({ host }) => `${grantCommand(host)}, with newgidmap installed`,
      },
      nprocUser,
    ],
  },
  user: {
    code: 'setup-failed',
    what: ({ op }) => `cannot become user ${op.uid} and group ${op.gid}`,
    causes: userCauses,
    saysDetail: true,
  },
  umask: { code: 'setup-failed', what: ({ op }) => `cannot set the umask 0${op.mask.toString(8)}`, causes: [] },
  rlimit: {
    code: 'rlimit-raise',
    what: ({ op }) =>
      `error setting rlimit type ${op.resource} (${rlimitName(op.resource)}) to ${limitText(BigInt(op.soft))} soft, ${limitText(BigInt(op.hard))} hard`,
    causes: [
      {
        errno: 'EPERM',
        when: ({ op, host }) =>
          Number(op.resource) === rlimitNumbers.RLIMIT_NOFILE &&
          host.realRoot &&
          (host.capEffective & CAP_SYS_RESOURCE) !== 0n,
        why: 'probably it is above fs.nr_open, which even root may not pass',
        fix: 'lower it in config.json, or: sudo sysctl -w fs.nr_open=N',
      },
      {
        errno: 'EPERM',
        why: ({ op, host }) => {
          const own = host.rlimits[rlimitName(op.resource)]
          const ours = own === undefined ? 'our own' : `our own, which is ${limitText(own.hard)}`
          return `only CAP_SYS_RESOURCE in the initial user namespace may raise a hard limit above ${ours}`
        },
        fix: 'lower it in config.json, or raise it in the session before (ulimit -H, limits.conf; systemd: LimitNOFILE= and its kin)',
      },
      {
        errno: 'EINVAL',
        why: 'the soft limit is above the hard one, or the kernel does not know the resource',
        fix: 'set soft to at most hard',
      },
    ],
  },
  bounding: {
    code: 'setup-failed',
    what: 'cannot drop capabilities from the bounding set (prctl PR_CAPBSET_DROP)',
    causes: [
      ...refusals,
      {
        errno: 'EPERM',
        why: 'our process lacks CAP_SETPCAP',
        fix: 'give the outer container SETPCAP (Docker: --cap-add SETPCAP), or add a user namespace',
      },
    ],
  },
  caps: {
    code: 'setup-failed',
    what: ({ op }) =>
      `cannot set the capabilities (effective ${capabilitiesOf(BigInt(op.effective))}; permitted ${capabilitiesOf(BigInt(op.permitted))})`,
    causes: [
      {
        errno: 'EPERM',
        why: 'effective or ambient has one that permitted does not have, or permitted has one that we do not hold',
        fix: 'list in permitted (and for ambient also in inheritable) what the other sets have; drop what the outer container does not have',
      },
    ],
  },
  noNewPrivs: {
    code: 'setup-failed',
    what: 'cannot set no_new_privs (prctl PR_SET_NO_NEW_PRIVS)',
    causes: [{ errno: 'EINVAL', why: 'the kernel is older than 3.5', fix: 'use a newer kernel' }],
  },
  oomScore: {
    code: 'setup-failed',
    what: ({ op }) => `cannot set the OOM score to ${BigInt.asIntN(64, BigInt(op.score))} (/proc/self/oom_score_adj)`,
    saysDetail: true,
    causes: [
      {
        errno: ['EACCES', 'EPERM'],
        when: ({ op, host }) => BigInt.asIntN(64, BigInt(op.score)) < BigInt(host.oomScoreAdj),
        why: ({ host }) => `only real root may go below our own score, which is ${host.oomScoreAdj}`,
        fix: ({ host }) => `set process.oomScoreAdj to ${host.oomScoreAdj} or more`,
      },
      { errno: 'EINVAL', why: 'the value must be between -1000 and 1000', fix: 'correct process.oomScoreAdj' },
      {
        errno: ['EROFS', 'ENOENT'],
        why: '/proc is read-only or not mounted here',
        fix: 'mount /proc read-write in the outer container',
      },
    ],
  },
}
