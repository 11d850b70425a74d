/** A Host literal for tests: alice, uid 1000, rootless with one range each, on a healthy machine. */
import { hostId } from '../../../src/base/ids.ts'
import type { Host } from '../../../src/host/facts.ts'
import { RLIM_INFINITY } from '../../../src/host/facts.ts'
import { parseMountinfo } from '../../../src/host/mountinfo.ts'

export const ALL_CAPABILITIES = (1n << 41n) - 1n

export const cleanMounts = parseMountinfo(
  [
    '1 0 8:1 / / rw,relatime - ext4 /dev/sda1 rw',
    '2 1 0:5 / /proc rw,relatime - proc proc rw',
    '3 1 0:6 / /sys rw,relatime - sysfs sysfs rw',
    '4 3 0:7 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw',
    '5 1 0:8 / /tmp rw,relatime - tmpfs tmpfs rw',
  ].join('\n'),
)

const alice: Host = {
  kernel: { release: '6.8.0-test', major: 6, minor: 8 },
  arch: 'x64',
  bootId: '00000000-0000-4000-8000-000000000000',
  uid: hostId(1000),
  gid: hostId(1000),
  groups: [1000],
  userName: 'alice',
  home: '/home/alice',
  env: { PATH: '/usr/bin:/bin', HOME: '/home/alice', USER: 'alice' },
  cwd: '/home/alice',
  inheritedFds: [],
  callerOpenFiles: undefined,
  uidMap: [{ inner: 0, outer: 0, size: 0xffff_ffff }],
  gidMap: [{ inner: 0, outer: 0, size: 0xffff_ffff }],
  setgroups: 'allow',
  inUserNamespace: false,
  realRoot: false,
  rootlessEuid: true,
  rootlessCgroups: true,
  noNewPrivs: false,
  seccomp: 0,
  capEffective: 0n,
  capBounding: ALL_CAPABILITIES,
  lastCap: 40,
  hasUserNamespaces: true,
  hasTimeNamespaces: true,
  resctrl: undefined,
  hasCgroupNamespaces: true,
  maxUserNamespaces: 63_000,
  unprivilegedUsernsClone: undefined,
  apparmorRestrictsUserns: false,
  lsm: { apparmor: false, selinux: false, selinuxEnforcing: false, landlock: true, label: undefined },
  chrooted: false,
  mounts: cleanMounts,
  freshProc: true,
  freshSysfs: true,
  cgroup: {
    layout: 'v2',
    unified: '/sys/fs/cgroup',
    ownPath: '/user.slice',
    writable: false,
    hierarchies: [{ version: 2, controllers: [], target: '/sys/fs/cgroup', ownPath: '/user.slice' }],
  },
  fuseOverlayfs: undefined,
  hasSystemd: false,
  ownsSystemManager: false,
  subIds: {
    uids: [{ start: 100_000, size: 65_536 }],
    gids: [{ start: 100_000, size: 65_536 }],
    source: 'files',
    taken: [{ start: 100_000, size: 65_536 }],
  },
  newuidmap: '/usr/bin/newuidmap',
  newgidmap: '/usr/bin/newgidmap',
  rlimits: {
    RLIMIT_NPROC: { soft: 1000n, hard: 2000n },
    RLIMIT_NOFILE: { soft: 1024n, hard: 4096n },
    RLIMIT_CPU: { soft: RLIM_INFINITY, hard: RLIM_INFINITY },
  },
  oomScoreAdj: 0,
  legacyTiocsti: true,
  ptraceScope: 0,
}

export const aHost = (differences: Partial<Host> = {}): Host => ({ ...alice, ...differences })

/** No subordinate ids at all. */
export const noSubIds: Host['subIds'] = { uids: [], gids: [], source: 'none', taken: [] }

export const realRoot = (differences: Partial<Host> = {}): Host =>
  aHost({
    uid: hostId(0),
    gid: hostId(0),
    groups: [0],
    userName: 'root',
    home: '/root',
    realRoot: true,
    rootlessEuid: false,
    rootlessCgroups: false,
    capEffective: ALL_CAPABILITIES,
    subIds: noSubIds,
    ...differences,
  })

/** Root in a user namespace that podman made: own id and one range. */
export const nestedRoot = (differences: Partial<Host> = {}): Host =>
  realRoot({
    realRoot: false,
    rootlessCgroups: true,
    inUserNamespace: true,
    uidMap: [
      { inner: 0, outer: 1000, size: 1 },
      { inner: 1, outer: 100_000, size: 65_536 },
    ],
    gidMap: [
      { inner: 0, outer: 1000, size: 1 },
      { inner: 1, outer: 100_000, size: 65_536 },
    ],
    ...differences,
  })
