/** Which processes are in a container's cgroup, with everything that lies below it. */

import { readCgroupFile } from './files.ts'
import { ownHomes } from './identity.ts'
import type { CgroupRecord } from './record.ts'
import { walkBelow } from './walk.ts'

/** Pids as we see them, each once. A zombie is in no cgroup.procs. */
export function membersOf(record: CgroupRecord): number[] {
  const found = new Set<number>()
  for (const { path } of ownHomes(record)) for (const pid of pidsBelow(path)) found.add(pid)
  return [...found].sort((a, b) => a - b)
}

/** 0 stands for a process outside of our pid namespace. */
export function pidsBelow(directory: string): number[] {
  const found = pidsIn(directory)
  walkBelow(directory, ({ at }) => {
    for (const pid of pidsIn(at)) found.push(pid)
  })
  return found
}

const pidsIn = (directory: string): number[] =>
  (readCgroupFile(directory, 'cgroup.procs') ?? '')
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0)
