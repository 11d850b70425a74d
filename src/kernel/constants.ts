/** Numbers of the kernel's interface, the same on x86-64 and arm64. Each block names its uapi header. */

import type { NamespaceType } from '../spec/names.ts'
import { type CapabilityName, capabilityNames, type RlimitName, rlimitNames } from '../spec/names.ts'

/** linux/mount.h: flags of mount(2). */
export const MS_RDONLY = 0x1
export const MS_NOSUID = 0x2
export const MS_NODEV = 0x4
export const MS_NOEXEC = 0x8
export const MS_SYNCHRONOUS = 0x10
export const MS_REMOUNT = 0x20
export const MS_MANDLOCK = 0x40
export const MS_DIRSYNC = 0x80
export const MS_NOSYMFOLLOW = 0x100
export const MS_NOATIME = 0x400
export const MS_NODIRATIME = 0x800
export const MS_BIND = 0x1000
export const MS_MOVE = 0x2000
export const MS_REC = 0x4000
export const MS_SILENT = 0x8000
export const MS_UNBINDABLE = 0x2_0000
export const MS_PRIVATE = 0x4_0000
export const MS_SLAVE = 0x8_0000
export const MS_SHARED = 0x10_0000
export const MS_RELATIME = 0x20_0000
export const MS_I_VERSION = 0x80_0000
export const MS_STRICTATIME = 0x100_0000
export const MS_LAZYTIME = 0x200_0000

/** linux/mount.h: attributes of mount_setattr(2). */
export const MOUNT_ATTR_RDONLY = 0x1
export const MOUNT_ATTR_NOSUID = 0x2
export const MOUNT_ATTR_NODEV = 0x4
export const MOUNT_ATTR_NOEXEC = 0x8
/** The whole access time field: it must be cleared whenever one of its values is set, or EINVAL. */
export const MOUNT_ATTR__ATIME = 0x70
export const MOUNT_ATTR_RELATIME = 0x0
export const MOUNT_ATTR_NOATIME = 0x10
export const MOUNT_ATTR_STRICTATIME = 0x20
export const MOUNT_ATTR_NODIRATIME = 0x80
export const MOUNT_ATTR_IDMAP = 0x10_0000
export const MOUNT_ATTR_NOSYMFOLLOW = 0x20_0000

/** linux/sched.h: namespaces of clone(2), unshare(2) and setns(2). */
export const CLONE_NEWTIME = 0x80
export const CLONE_NEWNS = 0x2_0000
export const CLONE_NEWCGROUP = 0x200_0000
export const CLONE_NEWUTS = 0x400_0000
export const CLONE_NEWIPC = 0x800_0000
export const CLONE_NEWUSER = 0x1000_0000
export const CLONE_NEWPID = 0x2000_0000
export const CLONE_NEWNET = 0x4000_0000

export const cloneFlags: Readonly<Record<NamespaceType, number>> = {
  cgroup: CLONE_NEWCGROUP,
  ipc: CLONE_NEWIPC,
  mount: CLONE_NEWNS,
  network: CLONE_NEWNET,
  pid: CLONE_NEWPID,
  time: CLONE_NEWTIME,
  user: CLONE_NEWUSER,
  uts: CLONE_NEWUTS,
}

function numbered<Name extends string>(names: readonly Name[]): Readonly<Record<Name, number>> {
  return Object.fromEntries(names.map((name, number) => [name, number])) as Record<Name, number>
}

/** asm-generic/resource.h: `RLIMIT_NOFILE` to 7. */
export const rlimitNumbers: Readonly<Record<RlimitName, number>> = numbered(rlimitNames)

/** As a mask. */
export const CAP_SETPCAP = 1n << 8n
export const CAP_SYS_CHROOT = 1n << 18n
export const CAP_SYS_ADMIN = 1n << 21n
export const CAP_SYS_RESOURCE = 1n << 24n

/** linux/capability.h: `CAP_SYS_ADMIN` to 21, which is also the number of its bit in a mask. */
export const capabilityNumbers: Readonly<Record<CapabilityName, number>> = numbered(capabilityNames)

export function rlimitNumber(name: string): number | undefined {
  return Object.hasOwn(rlimitNumbers, name) ? rlimitNumbers[name as RlimitName] : undefined
}

export function capabilityNumber(name: string): number | undefined {
  return Object.hasOwn(capabilityNumbers, name) ? capabilityNumbers[name as CapabilityName] : undefined
}

/** asm-generic/signal.h, in order: the place in this list, counted from 1, is the number. See signal(7). */
const standardSignals = [
  'HUP',
  'INT',
  'QUIT',
  'ILL',
  'TRAP',
  'ABRT',
  'BUS',
  'FPE',
  'KILL',
  'USR1',
  'SEGV',
  'USR2',
  'PIPE',
  'ALRM',
  'TERM',
  'STKFLT',
  'CHLD',
  'CONT',
  'STOP',
  'TSTP',
  'TTIN',
  'TTOU',
  'URG',
  'XCPU',
  'XFSZ',
  'VTALRM',
  'PROF',
  'WINCH',
  'IO',
  'PWR',
  'SYS',
]
const signalAliases: Readonly<Record<string, number>> = { IOT: 6, CLD: 17, POLL: 29, UNUSED: 31 }

/** What glibc leaves to programs; callers' names such as RTMIN+3 count from here, whatever libc the container has. */
export const SIGRTMIN = 34
export const SIGRTMAX = 64

/** `SIGTERM` to 15: every standard signal and its aliases, with the prefix. */
export const signalNumbers: ReadonlyMap<string, number> = new Map([
  ...standardSignals.map((name, place): [string, number] => [`SIG${name}`, place + 1]),
  ...Object.entries(signalAliases).map(([name, number]): [string, number] => [`SIG${name}`, number]),
])

/**
 * The number of a signal given as a number (0 to 64; 0 only asks whether the process is there) or as a name, with or
 * without `SIG`, in any case; also `RTMIN+n` and `RTMAX-n`. Undefined when there is no such signal.
 */
export function signalNumber(text: string): number | undefined {
  if (/^\d{1,4}$/.test(text)) {
    const number = Number(text)
    return number <= SIGRTMAX ? number : undefined
  }
  const name = text.toUpperCase().replace(/^SIG/, '')
  return signalNumbers.get(`SIG${name}`) ?? realTimeNumber(name)
}

function realTimeNumber(name: string): number | undefined {
  const match = /^RT(?:MIN(?:\+(\d{1,2}))?|MAX(?:-(\d{1,2}))?)$/.exec(name)
  if (match === null) return undefined
  const [, up = '0', down = '0'] = match
  const number = name.startsWith('RTMIN') ? SIGRTMIN + Number(up) : SIGRTMAX - Number(down)
  return number >= SIGRTMIN && number <= SIGRTMAX ? number : undefined
}

/** `SIGTERM` for 15, `SIGRTMIN+3` for 37; undefined when the number is no signal. */
export function signalName(number: number): string | undefined {
  const name = standardSignals[number - 1]
  if (name !== undefined) return `SIG${name}`
  if (!Number.isInteger(number) || number < SIGRTMIN || number > SIGRTMAX) return undefined
  return number === SIGRTMIN ? 'SIGRTMIN' : `SIGRTMIN+${number - SIGRTMIN}`
}
