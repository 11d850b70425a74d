/** What stays in memory for a container that sleeps. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { findProgram } from '../fixtures/needs.ts'
import { readProcess } from '../fixtures/processes.ts'
import { until } from '../fixtures/until.ts'
import type { World } from '../fixtures/world.ts'

/** Its own part of the memory, in kB: what is shared is shared out. proc_pid_smaps(5) */
export function memoryOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0)
}

export interface Idle extends AsyncDisposable {
  /** Of the runtime: conmon is the same with each. */
  readonly runtime: string
  /** Of the conmon of each container. */
  readonly pids: readonly number[]
}

/** So many containers, each held by a conmon, as podman and CRI-O start it. Undefined where a part of it is missing. */
export async function openIdle(world: World, count: number): Promise<Idle | undefined> {
  const { path } = await world.bundle((config) => {
    config.process.args = ['sleep', '100000']
  })
  const root = join(world.identity.home, 'conmon')
  const call = (runtime: string, ...words: string[]) =>
    spawnSync(runtime, ['--root', root, ...words], { stdio: 'ignore' }).status === 0
  // crun before 1.15 refuses a machine with both versions of cgroups.
  const works = (runtime: string) =>
    call(runtime, 'create', '--bundle', path, 'probe') && call(runtime, 'delete', '--force', 'probe')
  const [conmon, runtime] = [
    findProgram('conmon'),
    ['crun', 'runc'].flatMap((name) => findProgram(name) ?? []).find(works),
  ]
  if (conmon === undefined || runtime === undefined) return undefined
  const ids = Array.from({ length: count }, () => world.newId())
  const pids: number[] = []
  for (const id of ids) {
    const file = (name: string) => join(world.identity.home, `${id}.${name}`)
    const words = [
      ...['--cid', id, '--cuuid', id, '--name', id, '--runtime', runtime, '--bundle', path, '--log-level', 'error'],
      ...['--container-pidfile', file('pid'), '--conmon-pidfile', file('conmon'), '--exit-dir', world.identity.home],
      ...['--log-path', `k8s-file:${file('log')}`, '--runtime-arg', '--root', '--runtime-arg', root],
      ...['--socket-dir-path', world.identity.home, '--persist-dir', world.identity.home],
    ]
    execFileSync(conmon, words, { stdio: ['ignore', 'ignore', 'inherit'] })
    await until('conmon has made the container', () => call(runtime, 'state', id))
    call(runtime, 'start', id)
    pids.push(Number(readFileSync(file('conmon'), 'utf8')))
  }
  return {
    runtime: basename(runtime),
    pids,
    [Symbol.asyncDispose]: async () => {
      for (const id of ids) call(runtime, 'delete', '--force', id)
      await until('conmon has ended', () => pids.every((pid) => (readProcess(pid)?.state ?? 'Z') === 'Z'))
    },
  }
}

export const conmonMemory = ({ pids }: Idle): number => pids.reduce((sum, pid) => sum + memoryOf(pid), 0) / pids.length
