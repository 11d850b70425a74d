/**
 * The cgroup of a container, and its groups of resctrl, once more, in a file of their own: a forced delete finds them even
 * when state.json can no longer be read.
 */
import { join } from 'node:path'
import { replaceFile } from '../base/files.ts'
import type { CgroupRecord } from '../linux/cgroups/record.ts'
import type { RdtRecord } from '../linux/rdt/manager.ts'
import { readOwn } from './own-file.ts'
import { isCgroupRecord, isRdtRecord } from './record.ts'

export interface KeptCgroup {
  /** After another boot its paths are nobody's, or somebody else's. */
  readonly bootId: string
  readonly cgroup: CgroupRecord
  readonly rdt?: RdtRecord | undefined
}

const fileIn = (directory: string): string => join(directory, 'cgroup.json')

export function keepCgroup(directory: string, kept: KeptCgroup): void {
  replaceFile(fileIn(directory), JSON.stringify(kept), 0o600)
}

const isKept = (kept: Partial<KeptCgroup> | null): kept is KeptCgroup =>
  typeof kept?.bootId === 'string' && isCgroupRecord(kept.cgroup) && (kept.rdt === undefined || isRdtRecord(kept.rdt))

/** Undefined when there is none, or none that we wrote. */
export function keptCgroup(directory: string): KeptCgroup | undefined {
  try {
    const kept = JSON.parse(readOwn(fileIn(directory))) as Partial<KeptCgroup> | null
    return isKept(kept) ? kept : undefined
  } catch {
    return undefined // the directory goes all the same
  }
}
