/** The limits of all processes of a sandbox together, and what holds each. */
import type { Op } from '../../kernel/plan.ts'
import type { Amounts } from '../../linux/cgroups/enclosure.ts'

export type { Amounts } from '../../linux/cgroups/enclosure.ts'

export type LimitName = keyof Amounts
export const limitNames: readonly LimitName[] = ['memory', 'pids', 'cpus']

export interface HeldLimit {
  readonly limit: LimitName | 'files' | 'disk'
  /** Bytes, processes and threads, processors, descriptors. */
  readonly value: number
  /** `systemd` is a cgroup too, that systemd made. `mount`: the size of a file system. `nothing`: it was accepted so. */
  readonly enforcedBy: 'cgroup' | 'systemd' | 'rlimit' | 'watchdog' | 'mount' | 'nothing'
  /** Why nothing holds it, or how it is weaker than a cgroup. */
  readonly detail?: string
  /** It is that of a ceiling, which others use too. */
  readonly isShared?: true
  /** How often it was reached, where that is counted: processes ended for lack of memory, forks refused. */
  readonly hits?: number
}

/** What holds the limits of one sandbox, from before its first process to its end. */
export interface Hold {
  /** First of its plan. */
  readonly ops: readonly Op[]
  /** Must its first process wait until `born` has settled? */
  readonly waits: boolean
  /** Its first process is there, and nothing else of it. @throws RuntimeError then it must not go on */
  born(first: number): void | Promise<void>
  /**
   * All of the command is dead, and its first process waits until this returns: what it finds out would go with that one.
   * Not called for one that was killed from outside.
   */
  readonly ending?: () => void
  /** All of it is dead. Takes away what was made, and tells what was reached. Called once, also without `born`. */
  end(): Promise<readonly HeldLimit[]>
}

/** Our own process in a sandbox, which waits for the command: not one of those that were asked for. */
export const OURS = 1

export const named = (amounts: Amounts): LimitName[] => limitNames.filter((name) => amounts[name] !== undefined)
