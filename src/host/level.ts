/** The isolation that this machine gives us, as one word. See docs/rootless.md. */
import type { Host } from './facts.ts'

/** From weakest to strongest of what a container can be given. */
export const levels = ['X', 'L', 'U0', 'U1', 'U2', 'U3', 'N', 'R'] as const
export type Level = (typeof levels)[number]

export const levelMeanings: Readonly<Record<Level, string>> = {
  X: 'nothing runs: there is no user namespace and no Landlock',
  L: 'no container runs. A sandbox does; where no user namespace can be had with --min-level L: Landlock and seccomp',
  U0: 'a user namespace, but the outer /proc is shown',
  U1: 'a user namespace with one user and one group id',
  U2: 'a user namespace with id ranges, without a cgroup',
  U3: 'a user namespace with id ranges and a delegated cgroup',
  N: 'root of a user namespace or container: all but devices and Intel RDT',
  R: 'real root: everything that is built',
}

export const reaches = (level: Level, wanted: Level): boolean => levels.indexOf(level) >= levels.indexOf(wanted)

export interface Had {
  /** More than one id is mapped. */
  readonly ranges: boolean
  /** There is a cgroup that holds limits. */
  readonly cgroups: boolean
}

/** CAP_SYS_ADMIN makes the namespaces, CAP_NET_ADMIN brings up a loopback in one. */
const NEEDED = (1n << 21n) | (1n << 12n)

/**
 * Without them user 0 makes a user namespace first, as everybody else: what engines start is the root of the machine by
 * its ids, and has few capabilities.
 */
export const mayAdminister = ({ capEffective }: Pick<Host, 'capEffective'>): boolean =>
  (capEffective & NEEDED) === NEEDED

/** What the facts promise. Whether it holds, `usnea doctor` proves. */
export function promisedLevel(host: Host, { ranges, cgroups }: Had): Level {
  if (host.realRoot && mayAdminister(host)) return 'R'
  if (!host.hasUserNamespaces) return 'X'
  if (!host.freshProc) return 'U0'
  if (!host.rootlessEuid && mayAdminister(host)) return 'N'
  if (!ranges) return 'U1'
  return cgroups ? 'U3' : 'U2'
}

/** A sandbox makes a user namespace of one id for real root too, and there a fresh /proc may be refused. */
export function promisedSandboxLevel(host: Host): Level {
  const level = promisedLevel(host, { ranges: false, cgroups: false })
  return level === 'R' && !host.freshProc ? 'U0' : level
}
