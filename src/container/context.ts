/** What every verb gets: the facts, the state directory, and two ways to tell the caller something. */
import type { Host } from '../host/facts.ts'
import type { ManagerName } from '../linux/cgroups/choose.ts'
import type { MayMiss } from '../spec/names.ts'

/** What is to hold limits of memory and processes: `watchdog` where there is no cgroup. */
export type Enforcer = 'cgroup' | 'watchdog'

export interface Context {
  readonly host: Host
  /** Absolute path of the state directory; it need not exist yet. */
  readonly root: string
  /** Makes the state directory: only verbs that make a container call it. @throws RuntimeError `root-unusable` */
  readonly ensureRoot: () => void
  /** --systemd-cgroup, --cgroup-manager. */
  readonly cgroupManager: ManagerName
  /** --enforce. */
  readonly enforce: Enforcer
  /** --allow-missing. */
  readonly mayMiss: MayMiss
  /** The words that call us again with the same global options; undefined when we are no program of our own. */
  readonly again?: readonly string[] | undefined
  readonly log: { debug(message: string, func?: string): void; warn(message: string): void }
  /** Something the caller should see, such as a degradation; `loud` also where stderr is no terminal. */
  readonly warn: (message: string, loud?: boolean) => void
}
