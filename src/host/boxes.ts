/** Sandboxes that run, as /proc shows them: the first process of each is ours, and says what it is. */
import { readText } from './file.ts'
import { allProcesses, isGone, type ProcessFacts } from './process.ts'

export interface Box {
  readonly first: ProcessFacts
  /** Effective uid, as we see it. */
  readonly uid: number
  /** Words of its label, such as `level` and `net`. */
  readonly words: Readonly<Record<string, string>>
  /** What the caller's command is, with its arguments; undefined while it waits for one. */
  readonly command: readonly string[] | undefined
  /** All of it, the first process too. */
  readonly pids: readonly number[]
}

/** proc_pid_cmdline(5): everybody may read it, and every process may write what it likes there. */
export const argumentsOf = (pid: number): string[] => (readText(`/proc/${pid}/cmdline`) ?? '').split('\0').slice(0, -1)

/** Effective uid, as we see it; -1 when it is gone. */
export const uidOf = (pid: number): number =>
  Number(/^Uid:\s+\d+\s+(\d+)/m.exec(readText(`/proc/${pid}/status`) ?? '')?.[1] ?? -1)

/** In the order of their beginning. */
export function readBoxes(processes: readonly ProcessFacts[] = allProcesses()): Box[] {
  const children = childrenOf(processes)
  return processes
    .filter((process) => !isGone(process))
    .flatMap((first): Box[] => {
      const [name, , , label = ''] = argumentsOf(first.pid)
      if (name !== 'usnea-init' || !label.startsWith('sandbox ')) return []
      const own = children.get(first.pid) ?? []
      // The one that it was made for came first; the others are orphans.
      const [main] = [...own].sort(byAge)
      const command = main && argumentsOf(main.pid)
      const isInit = command?.[0] === 'usnea-init'
      const pids = [first.pid, ...descendants(first.pid, children)]
      const words = Object.fromEntries(label.split(' ').slice(1).map(pair))
      return [{ first, uid: uidOf(first.pid), words, command: isInit ? undefined : command, pids }]
    })
    .sort((a, b) => byAge(a.first, b.first))
}

const byAge = (a: ProcessFacts, b: ProcessFacts): number => Number(a.startTime) - Number(b.startTime)

function pair(word: string): [string, string] {
  const equals = word.indexOf('=')
  return [word.slice(0, equals), word.slice(equals + 1)]
}

export function childrenOf(processes: readonly ProcessFacts[]): ReadonlyMap<number, readonly ProcessFacts[]> {
  const children = new Map<number, ProcessFacts[]>()
  for (const process of processes) {
    const known = children.get(process.parent)
    if (known) known.push(process)
    else children.set(process.parent, [process])
  }
  return children
}

/** A list that changes while it is read may hold a ring. */
export function descendants(pid: number, children: ReadonlyMap<number, readonly ProcessFacts[]>): number[] {
  const found = new Set<number>()
  const open = [pid]
  for (let at = open.pop(); at !== undefined; at = open.pop())
    for (const child of children.get(at) ?? [])
      if (!found.has(child.pid)) {
        found.add(child.pid)
        open.push(child.pid)
      }
  return [...found]
}
