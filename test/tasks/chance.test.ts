// Needs root, a static busybox. Daemon, shims and first processes are killed at random, in the middle of calls, while short
// lives come and go. USNEA_TEST_EFFORT=50 makes 500 kills with 50 tasks of it; USNEA_TEST_SEED throws the same dice.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRuntimeError } from '../../src/base/errors.ts'
import type { TasksClient } from '../../src/tasks/index.ts'
import { whyNot } from '../fixtures/as.ts'
import { removeCgroup } from '../fixtures/cgroups.ts'
import { leftCgroups } from '../fixtures/leaks.ts'
import { entries, needs } from '../fixtures/needs.ts'
import { killQuietly, readProcess } from '../fixtures/processes.ts'
import { eventsByTask, namespace, openTaskWorld, type ShimChoice, type TaskWorld } from '../fixtures/tasks.ts'
import { until } from '../fixtures/until.ts'

const effort = Number(process.env.USNEA_TEST_EFFORT ?? 1)
const tasksAtOnce = Math.min(50, 3 + effort)
const kills = effort * 10
const seed = Number(process.env.USNEA_TEST_SEED ?? Date.now() % 1e6)

/** The same numbers for the same seed: xorshift32. */
let random = seed || 1
function below(limit: number): number {
  random ^= random << 13
  random ^= random >>> 17
  random ^= random << 5
  return (random >>> 0) % limit
}

const skip = needs('busybox') ?? whyNot('root')
const service = skip === undefined ? await openTaskWorld('root') : undefined
await service?.start()
after(() => service?.[Symbol.asyncDispose]())

/** The exit status that a task should have, by its id. */
const statuses = new Map<string, number>()
const shims = new Map<string, string>()
/** Tasks whose shim or first process we killed, and those in whose calls the daemon died: they may answer with an error. */
const killed = new Set<string>()
const cut = new Set<string>()
/** Tasks that go on until somebody ends them. */
const standing = new Set<string>()
const sockets = new Set<string>()
let client: Promise<TasksClient> | undefined
let isOver = false

/** Asks the daemon of the moment, again after its death. Undefined: an error that our kills explain. */
async function ask<T>(world: TaskWorld, id: string, work: (tasks: TasksClient) => Promise<T>): Promise<T | undefined> {
  for (;;) {
    try {
      client ??= world.client()
      return await work(await client)
    } catch (error) {
      const isGone = isRuntimeError(error, 'daemon-lost') || (error as Error).message === 'the service listens'
      if (!isGone && isRuntimeError(error) && (killed.has(id) || cut.has(id))) return undefined
      if (!isGone) throw error
      client = undefined
      cut.add(id)
      await sleep(20)
    }
  }
}

async function make(world: TaskWorld, args: readonly string[], status: number): Promise<string> {
  const id = world.world.newId()
  const shim = world.shims[below(world.shims.length)] as ShimChoice
  statuses.set(id, status)
  shims.set(id, shim.name)
  const made = await ask(world, id, (tasks) => tasks.create(world.wish(shim, { id, args, io: { kind: 'null' } })))
  try {
    if (made !== undefined) sockets.add(readFileSync(join(made.bundle, 'address'), 'utf8').replace('unix://', ''))
  } catch {
    // Killed, and gone already.
  }
  return id
}

/** From its making to its end, with the status of its program, whatever the daemon does meanwhile. */
async function live(world: TaskWorld): Promise<void> {
  const status = 1 + below(100)
  const id = await make(world, ['sh', '-c', `sleep 0.0${below(10)}; exit ${status}`], status)
  const target = { namespace, id }
  await ask(world, id, (tasks) => tasks.start(target))
  const exit = await ask(world, id, (tasks) => tasks.wait(target))
  if (!cut.has(id)) assert.equal(exit?.exitStatus, status, id)
  await ask(world, id, (tasks) => tasks.delete({ ...target, force: true }))
}

async function fill(world: TaskWorld): Promise<void> {
  while (standing.size < tasksAtOnce) {
    const id = await make(world, ['sleep', '10000'], 137)
    if (below(10) > 0) await ask(world, id, (tasks) => tasks.start({ namespace, id }))
    standing.add(id)
  }
}

let execs = 0
const program = { args: ['sh', '-c', 'exit 3'], cwd: '/', user: { uid: 0, gid: 0 }, env: ['PATH=/bin'] }

/** One more process in a task that is there: it may be killed while that is on its way, or not have been started at all. */
async function addProcess(world: TaskWorld): Promise<void> {
  const id = [...standing][below(standing.size)]
  const execId = `x${++execs}`
  if (id === undefined) return
  const target = { namespace, id, execId }
  const quietly = (error: unknown) => {
    if (!isRuntimeError(error)) throw error
  }
  const added = await ask(world, id, (tasks) =>
    tasks.exec({ ...target, process: program, io: { kind: 'null' } }),
  ).catch(quietly)
  if (added === undefined) return
  await ask(world, id, (tasks) => tasks.start(target)).catch(quietly)
  await ask(world, id, (tasks) => tasks.delete(target)).catch(quietly)
}

async function churn(world: TaskWorld): Promise<void> {
  while (!isOver) {
    await live(world)
    await addProcess(world)
  }
}

/** Of a task that runs, or is still being made. */
async function strike(world: TaskWorld): Promise<void> {
  const kind = ['daemon', 'shim', 'init', 'daemon and shim', 'daemon and init'][below(5)] ?? ''
  const id = [...standing][below(standing.size)] ?? ''
  const victim = kind === 'daemon' ? undefined : await ask(world, id, (tasks) => tasks.state({ namespace, id }))
  await sleep(below(60))
  if (kind.includes('daemon')) await world.kill()
  if (victim !== undefined) killed.add(id)
  if (kind.includes('shim')) killQuietly(victim?.shimPid || Number.NaN)
  if (kind.includes('init')) killQuietly(victim?.pid || Number.NaN)
  if (kind.includes('daemon')) await world.start()
  if (victim === undefined) return
  const exit = await ask(world, id, (tasks) => tasks.wait({ namespace, id }))
  assert.equal(exit?.exitStatus, 137, `${kind}: ${id}`)
  await ask(world, id, (tasks) => tasks.delete({ namespace, id }))
  standing.delete(id)
  await until('its process is gone', () => (readProcess(victim.pid)?.state ?? 'Z') === 'Z')
}

const start = /^create(,start)?((,exec-added x\d+)|(,exec-started x\d+)|(,exit x\d+ \d+))*/
const life = new RegExp(`${start.source},exit (\\d+),delete \\d+$`)

/** Each life of a task by itself: where the daemon died in its making, the same name may have had two. */
function assertWhole(id: string, events: readonly string[]): void {
  const lives = events.join().split(/(?<=,delete \d+),/)
  for (const [at, text] of lives.entries()) {
    const status = Number(life.exec(text)?.[6] ?? assert.fail(`${id}, seed ${seed}: ${text}`))
    const isLast = at === lives.length - 1
    assert.ok(status === statuses.get(id) || (status === 137 && (killed.has(id) || cut.has(id) || !isLast)), text)
    for (const [word, exec] of text.matchAll(/exec-started (x\d+)/g)) {
      const order = [`exec-added ${exec}`, word, `exit ${exec} `].map((part) => text.indexOf(part))
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
        `${id}: ${text}`,
      )
      assert.ok((order[0] ?? -1) >= 0, `${id}: ${text}`)
    }
  }
}

test(`${kills} kills at random, with ${tasksAtOnce} tasks (seed ${seed})`, { skip }, async () => {
  assert.ok(service)
  const world = service
  await fill(world)
  const busy = churn(world)
  busy.catch(() => {})
  for (let count = 0; count < kills; count++) {
    await Promise.race([Promise.all([strike(world), fill(world)]), busy])
    if (process.env.USNEA_TEST_EFFORT) console.error(`${count + 1} kills`)
  }
  isOver = true
  await busy
  await Promise.all([...standing].map((id) => ask(world, id, (tasks) => tasks.delete({ namespace, id, force: true }))))
  const tasks = await world.client()
  const told = await eventsByTask(tasks)
  for (const id of statuses.keys()) if (!cut.has(id) || told.has(id)) assertWhole(id, told.get(id) ?? [])
  assert.deepEqual(await tasks.list({ namespace }), [])
  const { home } = world.world.identity
  for (const place of ['service/state', 'oci', 'runc'])
    assert.deepEqual(entries(join(home, place, namespace)), [], place)
  assert.deepEqual(entries(join(world.directory, 'data', namespace, 'tasks')), [])
  assert.deepEqual(
    [...sockets].filter((path) => existsSync(path)),
    [],
  )
  assert.deepEqual((await tasks.info({})).problems, [])
  forgiveRunc(told)
})

/**
 * containerd's shim kills `runc create` when the connection of its caller ends, and runc has not written down by then which
 * cgroups it made: containerd that is killed in the middle of a create leaves them, too.
 */
function forgiveRunc(told: ReadonlyMap<string, string[]>): void {
  const ids = [...statuses.keys()].filter((id) => shims.get(id) === 'runc' && cut.has(id) && !told.has(id))
  for (const directory of leftCgroups(ids)) removeCgroup(directory)
}
