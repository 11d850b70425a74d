/** What runs at this moment: sandboxes, and containers of a state directory, with what they use. */
import { isRuntimeError } from '../base/errors.ts'
import { argumentsOf, type Box, readBoxes, uidOf } from '../host/boxes.ts'
import { bootSeconds } from '../host/file.ts'
import { levels } from '../host/level.ts'
import { allProcesses, namespaceIdentity, processesOf, readProcess } from '../host/process.ts'
import { usageOf } from '../host/usage.ts'
import { listIds, loadRecord } from '../state/read-record.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Context } from './context.ts'
import { isAlive, statusOf } from './oci-state.ts'

export interface Running {
  readonly kind: 'sandbox' | 'container' | 'task'
  /** Of a container or task its id; of a sandbox the pid of its first process. */
  readonly id: string
  /** Its first process. */
  readonly pid: number
  /** The effective user of its first process: every user may run a process that calls itself a sandbox. */
  readonly uid: number
  /** `waiting`: a sandbox that has no command yet. */
  readonly status: 'running' | 'waiting' | 'created' | 'creating' | 'paused'
  /** See docs/levels.md; undefined of what another runtime has made. */
  readonly level: string | undefined
  /** `none`, `host`, `pasta`, `slirp4netns`, `allow-host`; of a container `own`, `host`, or `joined`. */
  readonly net: string
  /** Milliseconds since its first process began. */
  readonly ageMs: number
  /** Milliseconds of all its processors together, until now. */
  readonly cpuMs: number
  /** Bytes: shared pages are divided among those who share them, where we may look. */
  readonly memory: number
  readonly memoryLimit: number | undefined
  /** Processes and threads, without ours. */
  readonly pids: number
  readonly pidsLimit: number | undefined
  readonly cpusLimit: number | undefined
  readonly command: readonly string[]
}

/** USER_HZ: see host/usage.ts. */
const TICKS = 100

type Used = Pick<Running, 'ageMs' | 'cpuMs' | 'memory' | 'pids'>

function usedBy(pids: readonly number[], startTime: string): Used {
  const { user, kernel, memory, tasks } = usageOf(pids)
  return {
    ageMs: Math.max(0, Math.round(bootSeconds() * 1000 - (Number(startTime) * 1000) / TICKS)),
    cpuMs: Number((user + kernel) / 1_000_000n),
    memory: Number(memory),
    pids: Number(tasks),
  }
}

/** A label is what some process has written: only what we could have written there is taken from it. */
const nets = ['none', 'host', 'pasta', 'slirp4netns', 'allow-host']
const known = (word: string | undefined, words: readonly string[]) => words.find((one) => one === word)

const limitIn = (words: Box['words'], name: string): number | undefined =>
  /^\d{1,15}(\.\d{1,9})?$/.test(words[name] ?? '') ? Number(words[name]) : undefined

/** Of this user; for root, and with `everybody`, of all. Those of a sandbox inside another one are shown beside it. */
export function runningSandboxes(uid: number, everybody = false): Running[] {
  return readBoxes(allProcesses())
    .filter((box) => everybody || uid === 0 || box.uid === uid)
    .map(({ first, uid: owner, words, command, pids }): Running => {
      const used = usedBy(pids, first.startTime)
      return {
        kind: 'sandbox',
        id: String(first.pid),
        pid: first.pid,
        status: command === undefined ? 'waiting' : 'running',
        uid: owner,
        level: known(words.level, levels),
        net: known(words.net, nets) ?? '',
        ...used,
        pids: Math.max(0, used.pids - 1),
        memoryLimit: limitIn(words, 'memory'),
        pidsLimit: limitIn(words, 'pids'),
        cpusLimit: limitIn(words, 'cpus'),
        command: command ?? [],
      }
    })
}

export function runningContainers(ctx: Context): Running[] {
  return listIds(ctx.root).flatMap((id) => {
    try {
      return containerOf(loadRecord(ctx.root, id), ctx)
    } catch (error) {
      if (isRuntimeError(error)) return [] // it has just been deleted, or `list` tells what is wrong with it
      throw error
    }
  })
}

function containerOf(record: ContainerRecord, ctx: Context): Running[] {
  const status = statusOf(record, ctx.host, ctx.root)
  if (status === 'stopped' || !isAlive(record, ctx.host)) return []
  const { memory, pids, cpu } = record.spec.linux?.resources ?? {}
  const share = (cpu?.quota ?? 0) > 0 ? (cpu?.quota ?? 0) / (cpu?.period || 100_000) : undefined
  return [
    {
      kind: 'container',
      id: record.id,
      pid: record.pid,
      uid: uidOf(record.pid),
      status,
      level: record.level,
      net: netOf(record),
      ...usedBy(processesOf(record.pid, true), record.startTime),
      memoryLimit: (memory?.limit ?? 0) > 0 ? memory?.limit : undefined,
      pidsLimit: (pids?.limit ?? -1) >= 0 ? pids?.limit : undefined,
      cpusLimit: share,
      command: record.spec.process?.args ?? [],
    },
  ]
}

function netOf({ spec }: ContainerRecord): string {
  const found = spec.linux?.namespaces?.find(({ type }) => type === 'network')
  if (found === undefined) return 'host'
  return found.path ? 'joined' : 'own'
}

/** A container of whatever runtime, by its first process; undefined when that is gone. */
export function runningTask(id: string, { pid, startTime }: { pid: number; startTime: string }): Running | undefined {
  if (readProcess(pid)?.startTime !== startTime) return undefined
  const net = namespaceIdentity(pid, 'net')
  return {
    kind: 'task',
    id,
    pid,
    uid: uidOf(pid),
    status: 'running',
    level: undefined,
    net: net === undefined ? '' : net === namespaceIdentity('self', 'net') ? 'host' : 'own',
    ...usedBy(processesOf(pid, true), startTime),
    memoryLimit: undefined,
    pidsLimit: undefined,
    cpusLimit: undefined,
    command: argumentsOf(pid),
  }
}
