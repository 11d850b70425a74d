// Needs root, a static busybox. Daemon, shims and first processes are killed at random; USNEA_TEST_EFFORT=50 makes 500 kills
// with 50 tasks of it.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { isRuntimeError } from '../../src/base/errors.ts'
import type { TasksClient } from '../../src/tasks/index.ts'
import { whyNot } from '../fixtures/as.ts'
import { entries, needs } from '../fixtures/needs.ts'
import { readProcess } from '../fixtures/processes.ts'
import { eventsOf, namespace, openTaskWorld, type ShimChoice } from '../fixtures/tasks.ts'
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

/** What must hold of every task that is gone, whatever killed it. */
async function assertWhole(tasks: TasksClient, id: string): Promise<void> {
  const events = await eventsOf(tasks, id)
  assert.match(events.join(), /^create(,start)?,exit 137,delete 137$/, id)
}

test(`${kills} kills at random, with ${tasksAtOnce} tasks (seed ${seed})`, { skip }, async () => {
  assert.ok(service)
  const world = service
  const living = new Set<string>()
  const all: string[] = []
  let tasks = await world.client()
  const again = async () => {
    await world.start()
    tasks = await world.client()
  }
  const fill = async () => {
    while (living.size < tasksAtOnce) {
      const shim = world.shims[below(world.shims.length)] as ShimChoice
      const id = world.world.newId()
      await tasks.create(world.wish(shim, { id, args: ['sleep', '10000'], io: { kind: 'null' } }))
      if (below(10) > 0) await tasks.start({ namespace, id })
      living.add(id)
      all.push(id)
    }
  }
  for (let count = 0; count < kills; count++) {
    await fill()
    const victims = await tasks.list({ namespace })
    const victim = victims[below(victims.length)]
    assert.ok(victim)
    const kind = ['daemon', 'shim', 'init', 'daemon and shim', 'daemon and init'][below(5)] ?? ''
    if (kind.includes('daemon')) await world.kill()
    if (kind.includes('shim')) spawnSync('kill', ['-KILL', String(victim.shimPid)])
    if (kind.includes('init')) spawnSync('kill', ['-KILL', String(victim.pid)])
    if (kind.includes('daemon')) await again()
    if (kind === 'daemon') continue
    assert.equal((await tasks.wait(victim)).exitStatus, 137, kind)
    // After the death of its shim it goes by itself, and may be gone already.
    await tasks.delete(victim).catch((error: unknown) => {
      if (!isRuntimeError(error, 'task-missing')) throw error
    })
    living.delete(victim.id)
    await until('its process is gone', () => (readProcess(victim.pid)?.state ?? 'Z') === 'Z')
  }
  await Promise.all([...living].map((id) => tasks.delete({ namespace, id, force: true })))
  for (const id of all) await assertWhole(tasks, id)
  assert.deepEqual(await tasks.list({ namespace }), [])
  assert.deepEqual(entries(join(world.directory, 'state', namespace)), [])
  assert.deepEqual(entries(join(world.directory, 'data', namespace, 'tasks')), [])
  assert.deepEqual((await tasks.info({})).problems, [])
})
