/**
 * The task service, printed and not judged, as root: node --import tsx test/bench/tasks.ts [COUNT…]   (10 100 500 tasks)
 * create→start→exit→delete through a daemon beside ctr and a containerd of its own; memory of an idle task beside
 * containerd's shim and conmon with crun; listing and restore with many tasks. BENCH_LIVES says how many lives (30).
 */
import { tmpdir } from 'node:os'
import type { TasksClient } from '../../src/tasks/index.ts'
import { namespace, openTaskWorld, type ShimChoice, type TaskWorld } from '../fixtures/tasks.ts'
import { type Contender, latency, printLatency } from './measure.ts'
import { type Engine, openEngine } from './tasks-ctr.ts'
import { conmonMemory, memoryOf, openIdle } from './tasks-memory.ts'

const LIVES = Number(process.env.BENCH_LIVES ?? 30)
const IDLE = 10
/** So many are made at once, to fill the list. */
const AT_ONCE = 8
const counts = process.argv.slice(2).map(Number)
const sizes = counts.length > 0 ? counts : [10, 100, 500]

const title = (text: string) => console.log(`\n${text}`)
const row = (what: string, ...values: string[]) =>
  console.log(`  ${what.padEnd(44)} ${values.map((value) => value.padStart(12)).join(' ')}`)
const milliseconds = (value: number) => `${value.toFixed(1)} ms`

async function live(world: TaskWorld, tasks: TasksClient, shim: ShimChoice): Promise<void> {
  const id = world.world.newId()
  await tasks.create(world.wish(shim, { id, args: ['true'], io: { kind: 'null' } }))
  await tasks.start({ namespace, id })
  await tasks.wait({ namespace, id })
  await tasks.delete({ namespace, id })
}

/** Our shim with each runtime, and containerd's: the shim is the difference then. */
function choices({ shims }: TaskWorld): ShimChoice[] {
  const [ours, runc] = shims
  if (ours === undefined || runc === undefined) return [...shims]
  return [
    { ...ours, name: 'our shim, usnea' },
    { ...ours, name: 'our shim, runc', options: runc.options },
    { ...runc, name: "containerd's shim, runc" },
  ]
}

async function compareLives(world: TaskWorld, engine: Engine | undefined): Promise<void> {
  const tasks = await world.client()
  const daemon = choices(world).map((shim) => ({ name: `daemon, ${shim.name}`, run: () => live(world, tasks, shim) }))
  const ctr: Contender[] = engine?.contenders ?? []
  const baseline = ctr.at(-1)?.name ?? daemon[0]?.name ?? ''
  printLatency('create, start, exit, delete', await latency([...daemon, ...ctr], LIVES), baseline)
  if (engine === undefined) console.log('  left out: ctr; containerd, runc and their shim are not here')
}

async function fill(world: TaskWorld, shim: ShimChoice, size: number): Promise<string[]> {
  const tasks = await world.client()
  const ids = Array.from({ length: size }, () => world.world.newId())
  const next = ids.values()
  const work = async () => {
    for (const id of next) {
      await tasks.create(world.wish(shim, { id, args: ['sleep', '100000'], io: { kind: 'null' } }))
      await tasks.start({ namespace, id })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return ids
}

async function empty(world: TaskWorld, ids: readonly string[]): Promise<void> {
  const tasks = await world.client()
  const next = ids.values()
  const work = async () => {
    for (const id of next) await tasks.delete({ namespace, id, force: true })
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

const average = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length

async function compareMemory(world: TaskWorld): Promise<void> {
  title(`memory of an idle task, kB (Pss, ${IDLE} of each)`)
  const figures: [string, number][] = []
  const daemonAlone = memoryOf(world.daemonPid())
  for (const shim of choices(world)) {
    const ids = await fill(world, shim, IDLE)
    const list = await (await world.client()).list({ namespace })
    figures.push([shim.name, average(list.map(({ shimPid }) => memoryOf(shimPid)))])
    await empty(world, ids)
  }
  await using idle = await openIdle(world.world, IDLE)
  if (idle !== undefined) figures.push([`conmon, ${idle.runtime}`, conmonMemory(idle)])
  const base = figures[0]?.[1] ?? Number.NaN
  for (const [name, value] of figures) row(name, `${value.toFixed(0)} kB`, `${(value / base).toFixed(1)} times`)
  if (idle === undefined) console.log('  left out: conmon, and crun or runc, are not here')
  row('the daemon, once, with nothing to do', `${daemonAlone} kB`)
}

const list = async (tasks: TasksClient, size: number): Promise<number> => {
  const began = performance.now()
  const running = (await tasks.list({ namespace })).filter(({ status }) => status === 'running')
  if (running.length !== size) throw new Error(`${running.length} of ${size} tasks run`)
  return performance.now() - began
}

async function many(world: TaskWorld, shim: ShimChoice, size: number): Promise<void> {
  const before = memoryOf(world.daemonPid())
  const ids = await fill(world, shim, size)
  const tasks = await world.client()
  const listed = Math.min(await list(tasks, size), await list(tasks, size), await list(tasks, size))
  const after = memoryOf(world.daemonPid())
  await world.kill()
  const began = performance.now()
  await world.start()
  const started = performance.now() - began
  await list(await world.client(), size)
  const found = performance.now() - began
  row(
    `${size} tasks, ${shim.name}`,
    milliseconds(listed),
    milliseconds(started),
    milliseconds(found),
    `${after - before} kB`,
  )
  await empty(world, ids)
}

console.log(`in ${tmpdir()}, Node ${process.version}`)
const world = await openTaskWorld('root')
try {
  await world.start()
  {
    await using engine = await openEngine(world.world)
    await compareLives(world, engine)
  }
  await compareMemory(world)
  title('many tasks')
  row('', 'list', 'daemon up', 'all found', 'more daemon')
  for (const size of sizes) for (const shim of world.shims) await many(world, shim, size)
} finally {
  await world[Symbol.asyncDispose]()
}
