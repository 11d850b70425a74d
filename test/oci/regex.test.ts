// Needs a static busybox: kill and delete of every container whose id a regular expression finds.
import assert from 'node:assert/strict'
import { testAs } from '../fixtures/cases.ts'
import { until } from '../fixtures/until.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

async function threeContainers(world: World): Promise<void> {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })
  for (const id of ['web-1', 'web-2', 'db-1'])
    succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
}

const statusOf = async (world: World, id: string) => JSON.parse(succeeded(await world.usnea(['state', id]))).status

testAs({}, 'kill --regex signals those that run and match, delete --regex removes them', async (world) => {
  await threeContainers(world)
  succeeded(await world.usnea(['kill', '--regex', '^web-', 'KILL']))
  for (const id of ['web-1', 'web-2'])
    await until(`${id} stopped`, async () => (await statusOf(world, id)) === 'stopped')
  assert.equal(await statusOf(world, 'db-1'), 'running')
  succeeded(await world.usnea(['kill', '-r', '^web-', 'KILL']))
  succeeded(await world.usnea(['delete', '--regex', '^web-']))
  assert.equal(succeeded(await world.usnea(['list', '-q'])), 'db-1\n')
  succeeded(await world.usnea(['delete', '--force', '--regex', '.']))
  succeeded(await world.usnea(['delete', '--regex', 'nothing-like-this']))
})

testAs({}, 'delete --regex removes what it may, and tells all of the rest at once', async (world) => {
  await threeContainers(world)
  succeeded(await world.usnea(['kill', 'web-1', 'KILL']))
  await until('web-1 stopped', async () => (await statusOf(world, 'web-1')) === 'stopped')
  refused(await world.usnea(['delete', '--regex', '1$']), /cannot delete container db-1 that is not stopped: running/)
  refused(await world.usnea(['delete', '--regex', '']), /db-1: cannot delete.*; web-2: cannot delete/)
  assert.equal(succeeded(await world.usnea(['list', '-q'])), 'db-1\nweb-2\n')
  succeeded(await world.usnea(['delete', '-fr', '']))
})

testAs({}, 'a container that has stopped has no processes, and nothing is left to signal with --all', async (world) => {
  await threeContainers(world)
  succeeded(await world.usnea(['kill', '--all', 'db-1', 'KILL']))
  await until('db-1 stopped', async () => (await statusOf(world, 'db-1')) === 'stopped')
  succeeded(await world.usnea(['kill', '--all', 'db-1', '0']))
  refused(await world.usnea(['kill', 'db-1', '0']), /container not running/)
  assert.equal(succeeded(await world.usnea(['ps', '--format', 'json', 'db-1'])), '[]\n')
  succeeded(await world.usnea(['delete', '--force', '--regex', '.']))
})
