/** Other processes as /proc shows them. A pid alone names nobody: the start time and the boot make it a name. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface ProcessFacts {
  readonly pid: number
  readonly parent: number
  /** One letter of proc_pid_stat(5): `Z` is a zombie, `X` dead. It is that of the first thread. */
  readonly state: string
  /** Those that have ended and are not the first one are not counted. */
  readonly threads: number
  /** On its way out: it may take others along before it is gone itself. PF_EXITING of linux/sched.h, in field 9. */
  readonly isEnding: boolean
  /** Clock ticks after boot, field 22 of proc_pid_stat(5), as text because it may pass 2^53. */
  readonly startTime: string
}

const PF_EXITING = 4

/** The facts of one process, or undefined when there is none. `proc` may be a /proc/PID opened before. */
export function readProcess(pid: number, proc = `/proc/${pid}`): ProcessFacts | undefined {
  let text: string
  try {
    text = readFileSync(`${proc}/stat`, 'latin1')
  } catch {
    return undefined
  }
  // The name in brackets may hold anything, brackets and spaces too: count from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return {
    pid,
    state: fields[0] ?? 'X',
    parent: Number(fields[1]),
    threads: Number(fields[17]),
    isEnding: (Number(fields[6]) & PF_EXITING) !== 0,
    startTime: fields[19] ?? '0',
  }
}

/** Does /proc show the pid namespace that we are in? Otherwise every number in it means somebody else. */
export function isOwnProc(): boolean {
  try {
    return readlinkSync('/proc/self') === String(process.pid)
  } catch {
    return false
  }
}

/** Where a file that we have open lies at this moment. */
export const pathOf = (fd: number): string => readlinkSync(`/proc/self/fd/${fd}`)

/** A first thread that has ended stays a zombie as long as others go on: pthread_exit(3) in main does that. */
export const isGone = ({ state, threads }: ProcessFacts): boolean => state === 'X' || (state === 'Z' && threads <= 1)

/** `T` is stopped by a signal, `t` by a tracer: proc_pid_stat(5). */
export const isStopped = (pid: number): boolean => /^[Tt]$/.test(readProcess(pid)?.state ?? '')

/** Those whose working directory is this one, as far as we may look. */
export const processesIn = (directory: string): number[] =>
  processIds().filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === directory
    } catch {
      return false
    }
  })

/** The words that a process shows as its own, which it may change: proc_pid_cmdline(5). Empty when it is gone. */
export function commandLineOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  } catch {
    return []
  }
}

/** The identity of a namespace of a process, such as `pid:[4026531836]`; undefined when we may not look. */
export function namespaceIdentity(pid: number | 'self', name: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${name}`)
  } catch {
    return undefined
  }
}

export const processIds = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)

export const allProcesses = (): ProcessFacts[] => processIds().flatMap((pid) => readProcess(pid) ?? [])

/**
 * Everything that belongs to the container of `init`: what is in its private pid namespace, and every descendant of
 * those (nested pid namespaces) and of `init` itself. Zombies count only as links of the chain.
 */
export function processesOf(init: number, hasPrivatePidNamespace: boolean): number[] {
  const all = allProcesses()
  const home = hasPrivatePidNamespace ? namespaceIdentity(init, 'pid') : undefined
  const members = new Set<number>([init])
  if (home !== undefined && home !== namespaceIdentity('self', 'pid'))
    for (const { pid } of all) if (namespaceIdentity(pid, 'pid') === home) members.add(pid)
  for (let grown = true; grown; ) {
    grown = false
    for (const { pid, parent } of all)
      if (members.has(parent) && !members.has(pid)) {
        members.add(pid)
        grown = true
      }
  }
  return all.filter((facts) => members.has(facts.pid) && !isGone(facts)).map(({ pid }) => pid)
}

/** Of these processes the ones that do not descend from `init`: nobody in the container has started them. */
export function strangersTo(init: number, pids: readonly number[]): number[] {
  const parents = new Map(allProcesses().map(({ pid, parent }) => [pid, parent] as const))
  const descends = (pid: number): boolean => {
    for (let at: number | undefined = pid; at; at = parents.get(at)) if (at === init) return true
    return false
  }
  return pids.filter((pid) => parents.has(pid) && !descends(pid))
}
