/** What is kept about a container on disk: `state.json`, with a format version of its own. */
import type { Degradation } from '../base/issue.ts'
import type { IdRange } from '../host/facts.ts'
import type { Op } from '../kernel/plan.ts'
import type { CgroupRecord } from '../linux/cgroups/record.ts'
import type { RdtRecord } from '../linux/rdt/manager.ts'
import type { StandIn } from '../linux/watchdog/plan.ts'
import type { Spec } from '../spec/types.ts'

export const STATE_VERSION = 1

export interface ContainerRecord {
  readonly version: typeof STATE_VERSION
  readonly id: string
  readonly bundle: string
  readonly rootfs: string
  /** RFC 3339, UTC. */
  readonly created: string
  /** Pid of the first process in the namespace of the runtime that made it; 0 before it exists. */
  readonly pid: number
  /** Is the set-up done? Until then the process is still init. */
  readonly ready: boolean
  /** Clock ticks after boot: with the boot id it makes the pid a name that is never reused. */
  readonly startTime: string
  readonly bootId: string
  /** The config.json that the container was made from, completed: later edits in the bundle do not matter. */
  readonly spec: Spec
  readonly rootless: { readonly euid: boolean; readonly cgroups: boolean }
  readonly maps:
    | {
        readonly uid: readonly IdRange[]
        readonly gid: readonly IdRange[]
        readonly denySetgroups: boolean
      }
    | undefined
  /** The isolation level that it was made at: docs/rootless.md. */
  readonly level: string
  /** Which cgroup enforces what was asked. */
  readonly cgroup: CgroupRecord
  /** What holds limits in place of a cgroup; absent where nothing does. */
  readonly standIn?: StandIn | undefined
  /** Paused by signals, because it has no cgroup that could be frozen. */
  readonly stopped?: boolean | undefined
  /** Its class of service; absent when none was asked for. */
  readonly rdt?: RdtRecord | undefined
  /** The ops behind the gate, so that a failing start can say what failed; `first` is the index of the first one. */
  readonly tail: { readonly first: number; readonly ops: readonly Op[] }
  /** The host's address for sd_notify(3), where the container has a socket for it. */
  readonly notify?: string | undefined
  /** What was asked for and is had only in a weaker form. */
  readonly degradations: readonly Degradation[]
}

/** Its paths are removed one day: nothing but what we wrote may be taken for them. */
export function isCgroupRecord(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { manager, homes } = value as { manager?: unknown; homes?: unknown }
  if (manager === 'none') return true
  const isHome = (home: unknown) =>
    typeof home === 'object' && home !== null && 'path' in home && typeof home.path === 'string' && 'made' in home
  return (manager === 'cgroupfs' || manager === 'systemd') && Array.isArray(homes) && homes.every(isHome)
}

/** The same for the groups of resctrl. */
export function isRdtRecord(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { root, group, made, monitor } = value as { [Key in keyof RdtRecord]?: unknown }
  const texts = [root, group, ...(monitor === undefined ? [] : [monitor])]
  return texts.every(isText) && Array.isArray(made) && made.every((path) => isText(path) && path.startsWith(`${root}/`))
}

const isText = (value: unknown): value is string => typeof value === 'string'

/** The reason why a parsed file is no record of ours, or undefined. */
export function whyNotRecord(value: unknown, id: string): 'foreign' | 'future' | undefined {
  if (typeof value !== 'object' || value === null) return 'foreign'
  const record = value as Partial<Record<keyof ContainerRecord, unknown>>
  if (typeof record.version !== 'number') return 'foreign'
  if (record.version > STATE_VERSION) return 'future'
  const texts = [record.bundle, record.rootfs, record.created, record.startTime, record.bootId]
  const isOurs =
    record.id === id &&
    Number.isSafeInteger(record.pid) &&
    (record.pid as number) >= 0 &&
    texts.every((text) => typeof text === 'string') &&
    typeof record.spec === 'object' &&
    record.spec !== null &&
    (record.degradations === undefined || Array.isArray(record.degradations)) &&
    (record.tail === undefined || Array.isArray((record.tail as Partial<ContainerRecord['tail']> | null)?.ops)) &&
    (record.cgroup === undefined || isCgroupRecord(record.cgroup)) &&
    (record.rdt === undefined || isRdtRecord(record.rdt))
  return isOurs ? undefined : 'foreign'
}

/**
 * A record of another release of the same format: what it did not write yet gets the value that says least, and what we
 * do not know stays, so that a change by us does not take it away from the release that wrote it.
 */
export function completeRecord(value: object): ContainerRecord {
  const missing = {
    ready: true,
    rootless: { euid: false, cgroups: true },
    level: 'unknown',
    cgroup: { manager: 'none', reason: 'not recorded' },
    tail: { first: 0, ops: [] },
    degradations: [],
  } satisfies Partial<ContainerRecord>
  return { ...missing, ...(value as ContainerRecord) }
}
