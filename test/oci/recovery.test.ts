// Needs a static busybox; a usnea that is killed at any moment leaves something that delete --force removes completely.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { testAs } from '../fixtures/cases.ts'
import { remains } from '../fixtures/leaks.ts'
import { rounds } from '../fixtures/rounds.ts'
import { until } from '../fixtures/until.ts'
import { succeeded, type World } from '../fixtures/world.ts'

interface Case {
  /** What happens before the call that is killed. */
  readonly before: (id: string) => Promise<void>
  readonly call: (id: string) => readonly string[]
  /** Moments at which the call is killed: chance picks one in each of so many parts of the time that an undisturbed one takes. */
  readonly steps: number
}

const longRunning = (world: World) =>
  world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    // Every step of the conversation is walked, also the one where the parent runs hooks.
    config.hooks = { createRuntime: [{ path: '/bin/true' }], createContainer: [{ path: '/bin/true' }] }
  })

async function sweepKills(world: World, wanted: Case): Promise<void> {
  const { before, call, steps } = wanted
  const undisturbed = await duration(world, wanted)
  for (let step = 0; step < steps; step++) {
    const part = step + Math.random()
    const id = world.newId()
    await before(id)
    const killed = world.call(call(id))
    await sleep((undisturbed * part) / steps)
    killed.child.kill('SIGKILL')
    await killed.ended
    await removesAll(world, { id, moment: `after ${part} of ${steps} parts of ${undisturbed.toFixed()} ms` })
  }
}

/** Milliseconds of a call that nobody kills; a foreground one counts until its container runs. */
async function duration(world: World, { before, call }: Case): Promise<number> {
  const id = world.newId()
  await before(id)
  const began = performance.now()
  const running = world.call(call(id))
  const isRunning = async () => /"running"/.test((await world.usnea(['state', id])).stdout)
  if (call(id)[0] === 'run') await until('the container runs', isRunning)
  else await running.ended
  const taken = performance.now() - began
  succeeded(await world.usnea(['delete', '--force', id]))
  await running.ended
  return taken
}

async function removesAll(world: World, { id, moment }: { id: string; moment: string }): Promise<void> {
  succeeded(await world.usnea(['delete', '--force', id]))
  try {
    await world.nothingLeft()
  } catch (error) {
    assert.fail(`killed ${moment}, after delete --force: ${error instanceof Error ? error.message : error}`)
  }
}

const nothing = async () => {}
/** Without root the conversation has most steps: the helpers write the id maps. */
const stepsAs = (world: World) => rounds(world.identity.name === 'root' ? 8 : 16)

testAs({}, 'a create that is killed at any moment leaves what delete --force removes', async (world) => {
  const bundle = await longRunning(world)
  await sweepKills(world, {
    before: nothing,
    call: (id) => ['create', '--bundle', bundle.path, id],
    steps: stepsAs(world),
  })
})

testAs({}, 'a foreground run that is killed at any moment leaves what delete --force removes', async (world) => {
  const bundle = await longRunning(world)
  await sweepKills(world, {
    before: nothing,
    call: (id) => ['run', '--bundle', bundle.path, id],
    steps: stepsAs(world) / 2,
  })
})

testAs({ as: ['ranges'] }, 'a start that is killed at any moment leaves what delete --force removes', async (world) => {
  const bundle = await longRunning(world)
  const before = async (id: string) => void succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  await sweepKills(world, { before, call: (id) => ['start', id], steps: rounds(7) })
})

testAs(
  { as: ['ranges'] },
  'an exec or a delete that is killed at any moment leaves what delete --force removes',
  async (world) => {
    const bundle = await longRunning(world)
    const before = async (id: string) =>
      void succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
    await sweepKills(world, { before, call: (id) => ['exec', '--detach', id, 'sleep', '1000'], steps: rounds(6) })
    await sweepKills(world, { before, call: (id) => ['delete', '--force', id], steps: rounds(6) })
  },
)

testAs({ as: ['ranges'] }, 'a killed create frees its id again', async (world) => {
  const bundle = await longRunning(world)
  const id = world.newId()
  const killed = world.call(['create', '--bundle', bundle.path, id])
  await until('the call began', () => remains(world.identity, world.state).some((line) => line.includes(id)))
  killed.child.kill('SIGKILL')
  await killed.ended
  succeeded(await world.usnea(['delete', '--force', id]))
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  succeeded(await world.usnea(['delete', '--force', id]))
})
