// Needs a static busybox; containers by the dozen, or with USNEA_TEST_EFFORT=5 by the hundred, leave no mount, process, descriptor or directory behind.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { testAs } from '../fixtures/cases.ts'
import { rounds } from '../fixtures/rounds.ts'
import { until } from '../fixtures/until.ts'
import { type Bundle, succeeded, type World } from '../fixtures/world.ts'

const bundleOf = (world: World) =>
  world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })

async function cycle(world: World, bundle: Bundle): Promise<void> {
  const id = world.newId()
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  succeeded(await world.usnea(['start', id]))
  succeeded(await world.usnea(['delete', '--force', id]))
}

const ownDescriptors = () => readdirSync('/proc/self/fd').length

async function repeat(world: World, { times, atOnce }: { times: number; atOnce: number }): Promise<void> {
  const bundle = await bundleOf(world)
  let left = times
  const work = async () => {
    while (left-- > 0) await cycle(world, bundle)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

testAs({ as: ['ranges'] }, 'many cycles of create, start and delete leave nothing', async (world) => {
  await repeat(world, { times: 2, atOnce: 2 })
  const before = ownDescriptors()
  await repeat(world, { times: rounds(38), atOnce: 2 })
  await until('the test itself has no more descriptors than before', () => ownDescriptors() <= before)
})

testAs({ as: ['root'] }, 'some cycles of create, start and delete leave nothing', (world) =>
  repeat(world, { times: rounds(8), atOnce: 2 }),
)

testAs({ as: ['root'] }, 'many containers at once all run, are all listed, and leave nothing', async (world) => {
  const bundle = await bundleOf(world)
  const ids = Array.from({ length: rounds(16) }, () => world.newId())
  const inFours = async (action: (id: string) => Promise<unknown>) => {
    const queue = [...ids]
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        for (let id = queue.shift(); id !== undefined; id = queue.shift()) await action(id)
      }),
    )
  }
  await inFours(async (id) => succeeded(await world.usnea(['create', '--bundle', bundle.path, id])))
  await inFours(async (id) => succeeded(await world.usnea(['start', id])))
  const listed: { id: string; status: string }[] = JSON.parse(
    succeeded(await world.usnea(['list', '--format', 'json'])),
  )
  assert.deepEqual(listed.map(({ id }) => id).sort(), [...ids].sort())
  assert.ok(
    listed.every(({ status }) => status === 'running'),
    JSON.stringify(listed),
  )
  const killed = ids.slice(0, 5)
  for (const id of killed) succeeded(await world.usnea(['kill', id, 'KILL']))
  await until('those have stopped', async () => {
    const now: { status: string }[] = JSON.parse(succeeded(await world.usnea(['list', '--format', 'json'])))
    return now.filter(({ status }) => status === 'stopped').length === killed.length
  })
  await inFours(async (id) => succeeded(await world.usnea(['delete', '--force', id])))
  assert.equal(succeeded(await world.usnea(['list', '--quiet'])), '')
})
