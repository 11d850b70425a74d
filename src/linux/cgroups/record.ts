/** What is kept about the cgroup of a container, so that later commands find it again. */

/** The container's cgroup in one tree. */
export interface Home {
  readonly version: 1 | 2
  /** v1: what the tree was mounted for. v2: the controllers that were there when it was made. */
  readonly controllers: readonly string[]
  /** Absolute path of its directory. */
  readonly path: string
  /** How many of the last names of the path we made: so many are ours to remove. */
  readonly made: number
  /** Tells it from a later one at the same path: kernfs gives no number twice. Absent in records of before. */
  readonly ino?: string
}

export interface ManagedCgroup {
  readonly manager: 'cgroupfs' | 'systemd'
  readonly homes: readonly Home[]
  /** Do device rules hold for whatever runs in it? */
  readonly guardsDevices: boolean
  /** The scope of systemd that it is; absent until it has been started. */
  readonly unit?: Unit
}

export interface Unit {
  readonly name: string
  /** Tells it from a later one of the same name. */
  readonly invocation: string
}

export type CgroupRecord = ManagedCgroup | { readonly manager: 'none'; readonly reason: string }

/** The container's directory in the tree that has this controller, or undefined. */
export function homeOfController(record: CgroupRecord, controller: string): Home | undefined {
  return record.manager === 'none' ? undefined : record.homes.find((home) => home.controllers.includes(controller))
}

export const unifiedHome = (record: CgroupRecord): Home | undefined =>
  record.manager === 'none' ? undefined : record.homes.find(({ version }) => version === 2)
