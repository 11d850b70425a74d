/** The isolation that this machine gives us, as one word. See docs/rootless.md. */
import type { Host } from './facts.ts'

/** From weakest to strongest of what a container can be given. */
export const levels = ['X', 'L', 'U0', 'U1', 'U2', 'U3', 'N', 'R'] as const
export type Level = (typeof levels)[number]

export const levelMeanings: Readonly<Record<Level, string>> = {
  X: 'no container runs: there is no user namespace. A sandbox may, with --min-level L',
  L: 'no user namespace: files, TCP and system calls by Landlock and seccomp',
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

/** What the facts promise. Whether it holds, `usnea doctor` proves. */
export function promisedLevel(host: Host, { ranges, cgroups }: Had): Level {
  if (host.realRoot) return 'R'
  if (!host.hasUserNamespaces) return 'X'
  if (!host.freshProc) return 'U0'
  if (!host.rootlessEuid) return 'N'
  if (!ranges) return 'U1'
  return cgroups ? 'U3' : 'U2'
}
