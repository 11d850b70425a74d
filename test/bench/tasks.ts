/**
 * The task service: create→start→exit→delete through a daemon, with each shim; listing and restore with many tasks, and
 * what each of them costs in memory. As root: node --import tsx test/bench/tasks.ts [COUNT…] (10 100 500 tasks).
 * Beside it, the same life by ctr, where a containerd listens (CONTAINERD_ADDRESS) and has the image BENCH_IMAGE.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { TasksClient } from '../../src/tasks/index.ts'
import { namespace, openTaskWorld, type ShimChoice, type TaskWorld } from '../fixtures/tasks.ts'

const LIVES = 20
const counts = process.argv.slice(2).map(Number)
const sizes = counts.length > 0 ? counts : [10, 100, 500]

const now = () => performance.now()
const median = (values: number[]): string => `${(values.sort((a, b) => a - b)[values.length >> 1] ?? 0).toFixed(1)} ms`
const row = (what: string, value: string) => console.log(what.padEnd(60), value)

async function live(world: TaskWorld, tasks: TasksClient, shim: ShimChoice): Promise<number> {
  const id = world.world.newId()
  const began = now()
  await tasks.create(world.wish(shim, { id, args: ['true'], io: { kind: 'null' } }))
  await tasks.start({ namespace, id })
  await tasks.wait({ namespace, id })
  await tasks.delete({ namespace, id })
  return now() - began
}

function byCtr(): number[] | undefined {
  const { CONTAINERD_ADDRESS: address, BENCH_IMAGE: image } = process.env
  if (address === undefined || image === undefined) return undefined
  return Array.from({ length: LIVES }, (_, at) => {
    const began = now()
    const run = ['--address', address, 'run', '--rm', '--null-io', image, `bench-${process.pid}-${at}`, 'true']
    const { status, stderr } = spawnSync('ctr', run, { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    return now() - began
  })
}

/** Its own part of the memory, in kB: what is shared is shared out. */
function memoryOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0)
}

async function many(world: TaskWorld, shim: ShimChoice, size: number): Promise<void> {
  let tasks = await world.client()
  const ids = Array.from({ length: size }, () => world.world.newId())
  for (const id of ids) {
    await tasks.create(world.wish(shim, { id, args: ['sleep', '100000'], io: { kind: 'null' } }))
    await tasks.start({ namespace, id })
  }
  const title = `${size} tasks, shim of ${shim.name}`
  const list = async () => {
    const began = now()
    const found = await tasks.list({ namespace })
    if (found.filter(({ status }) => status === 'running').length !== size)
      throw new Error(`${found.length} tasks found`)
    return now() - began
  }
  row(`${title}: list`, median([await list(), await list(), await list()]))
  const shims = (await tasks.list({ namespace })).map(({ shimPid }) => memoryOf(shimPid))
  row(`${title}: memory of one shim (Pss)`, `${Math.round(shims.reduce((sum, one) => sum + one, 0) / size)} kB`)
  row(`${title}: memory of the daemon (Pss)`, `${memoryOf(world.daemonPid())} kB`)
  await world.kill()
  const began = now()
  await world.start()
  tasks = await world.client()
  await list()
  row(`${title}: kill -9, start, all found`, `${(now() - began).toFixed(0)} ms`)
  for (const id of ids) await tasks.delete({ namespace, id, force: true })
}

const world = await openTaskWorld('root')
try {
  await world.start()
  const tasks = await world.client()
  for (const shim of world.shims) {
    await live(world, tasks, shim)
    const times: number[] = []
    for (let count = 0; count < LIVES; count++) times.push(await live(world, tasks, shim))
    row(`create, start, exit, delete, shim of ${shim.name}`, median(times))
  }
  const ctr = byCtr()
  row('the same by ctr', ctr === undefined ? 'not measured: CONTAINERD_ADDRESS, BENCH_IMAGE' : median(ctr))
  for (const shim of world.shims) for (const size of sizes) await many(world, shim, size)
} finally {
  await world[Symbol.asyncDispose]()
}
