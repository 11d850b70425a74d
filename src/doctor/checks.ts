/** What is tried, one thing each, so that a failure names itself. */
import type { Host } from '../host/facts.ts'
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUTS,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_REC,
  MS_SLAVE,
} from '../kernel/constants.ts'
import type { Op } from '../kernel/plan.ts'
import type { ChosenMaps } from '../linux/idmap/choose.ts'
import type { Trial } from './proof.ts'

export interface Check {
  readonly id: string
  readonly title: string
  readonly trial: Omit<Trial, 'maps'>
  /** Without it nothing runs; otherwise containers run with less. */
  readonly isVital: boolean
}

const origin = 'doctor'
const quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC
const private_: Op = { op: 'propagate', flags: MS_SLAVE | MS_REC, origin }
const here: Op = { op: 'rootHere', origin }

function mount(fstype: string, target: string, nofollow: 0 | 1) {
  return { op: 'mount', fstype, source: fstype, target, flags: quiet, data: '', nofollow, origin } as const
}

/** Of directories of a tmpfs. Since 5.11, and with userxattr for a user namespace. */
const overlayOps: readonly Op[] = [
  private_,
  here,
  mount('tmpfs', '/tmp', 0),
  ...['lower', 'upper', 'work', 'merged'].map(
    (name): Op => ({ op: 'mkdir', path: `/tmp/${name}`, mode: 0o755, origin }),
  ),
  {
    ...mount('overlay', '/tmp/merged', 0),
    data: 'lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work,userxattr',
  },
]

export function checksFor(host: Host): Check[] {
  const all: (Check | false)[] = [
    { id: 'userns', title: 'user namespace', trial: { flags: 0, ops: [] }, isVital: true },
    { id: 'mountns', title: 'mount namespace', trial: { flags: CLONE_NEWNS, ops: [private_] }, isVital: true },
    { id: 'pidns', title: 'pid namespace', trial: { flags: CLONE_NEWPID, ops: [] }, isVital: true },
    { id: 'ipcns', title: 'ipc namespace', trial: { flags: CLONE_NEWIPC, ops: [] }, isVital: true },
    { id: 'utsns', title: 'uts namespace', trial: { flags: CLONE_NEWUTS, ops: [] }, isVital: true },
    {
      id: 'netns',
      title: 'network namespace with a loopback',
      trial: { flags: CLONE_NEWNET, ops: [{ op: 'loopback', origin }] },
      isVital: true,
    },
    host.hasCgroupNamespaces && {
      id: 'cgroupns',
      title: 'cgroup namespace',
      trial: { flags: CLONE_NEWCGROUP, ops: [] },
      isVital: false,
    },
    host.hasTimeNamespaces && {
      id: 'timens',
      title: 'time namespace',
      trial: { flags: 0, ops: [{ op: 'unshare', flags: CLONE_NEWTIME, origin }] },
      isVital: false,
    },
    {
      id: 'tmpfs',
      title: 'mounting a tmpfs',
      trial: { flags: CLONE_NEWNS, ops: [private_, here, mount('tmpfs', '/tmp', 0)] },
      isVital: true,
    },
    {
      id: 'pivot',
      title: 'changing the root',
      trial: {
        flags: CLONE_NEWNS | CLONE_NEWPID,
        ops: [
          private_,
          { op: 'rootScratch', path: '/tmp', origin },
          { op: 'pivot', way: 0, hidden: ['/proc', '/sys'], origin },
        ],
      },
      isVital: true,
    },
    {
      id: 'proc',
      title: 'a fresh /proc',
      trial: { flags: CLONE_NEWNS | CLONE_NEWPID, ops: [private_, here, mount('proc', '/proc', 1)] },
      isVital: false,
    },
    {
      id: 'sysfs',
      title: 'a fresh /sys',
      trial: { flags: CLONE_NEWNS | CLONE_NEWNET, ops: [private_, here, mount('sysfs', '/sys', 1)] },
      isVital: false,
    },
    { id: 'overlay', title: 'mounting an overlay', trial: { flags: CLONE_NEWNS, ops: overlayOps }, isVital: false },
  ]
  return all.filter((check) => check !== false)
}

/** With ranges: another id than the first must be usable, as a package manager does it. */
export function rangesTrial(maps: ChosenMaps): Trial {
  const second = maps.uid.find(({ inner, size }) => inner > 0 || size > 1)
  const id = second === undefined ? 0 : Math.max(1, second.inner)
  return {
    maps,
    flags: 0,
    ops: [{ op: 'user', uid: id, gid: 0, setGroups: maps.denySetgroups ? 0 : 1, groups: [], origin }],
  }
}
