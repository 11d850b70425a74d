// Needs a static busybox; hundreds of containers leave no mount, process, descriptor or directory behind.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { testAs } from '../fixtures/cases.ts'
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

testAs({ as: ['ranges'] }, '200 cycles of create, start and delete leave nothing', async (world) => {
  const before = ownDescriptors()
  await repeat(world, { times: 200, atOnce: 2 })
  assert.ok(ownDescriptors() <= before, 'descriptors of the test itself grew')
})

testAs({ as: ['root'] }, '20 cycles of create, start and delete leave nothing', (world) =>
  repeat(world, { times: 20, atOnce: 2 }),
)

testAs({ as: ['root'] }, '50 containers at once all run, are all listed, and leave nothing', async (world) => {
  const bundle = await bundleOf(world)
  const ids = Array.from({ length: 50 }, () => world.newId())
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
  for (const id of ids.slice(0, 10)) succeeded(await world.usnea(['kill', id, 'KILL']))
  await until('ten have stopped', async () => {
    const now: { status: string }[] = JSON.parse(succeeded(await world.usnea(['list', '--format', 'json'])))
    return now.filter(({ status }) => status === 'stopped').length === 10
  })
  await inFours(async (id) => succeeded(await world.usnea(['delete', '--force', id])))
  assert.equal(succeeded(await world.usnea(['list', '--quiet'])), '')
})
