/** Which processes are in a container's cgroup, with everything that lies below it. */

import { cgroupsBelow, readCgroupFile } from './files.ts'
import type { CgroupRecord } from './record.ts'

/** Pids as we see them, each once. A zombie is in no cgroup.procs. */
export function membersOf(record: CgroupRecord): number[] {
  if (record.manager === 'none') return []
  const found = new Set<number>()
  for (const { path } of record.homes) for (const pid of pidsBelow(path)) found.add(pid)
  return [...found].sort((a, b) => a - b)
}

/** 0 stands for a process outside of our pid namespace. */
export function pidsBelow(directory: string): number[] {
  return [directory, ...cgroupsBelow(directory)]
    .flatMap((path) => (readCgroupFile(path, 'cgroup.procs') ?? '').split('\n').filter(Boolean).map(Number))
    .filter((pid) => pid > 0)
}
