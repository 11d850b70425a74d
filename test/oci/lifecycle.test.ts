// Needs a static busybox; operations that do not fit the state of the container are refused and change nothing.
import assert from 'node:assert/strict'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { until } from '../fixtures/until.ts'
import { type Bundle, refused, succeeded, type World } from '../fixtures/world.ts'

const sleeping = (world: World) =>
  world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })

const statusOf = async (world: World, id: string) => JSON.parse(succeeded(await world.usnea(['state', id]))).status

async function create(world: World, bundle?: Bundle): Promise<string> {
  const id = world.newId()
  succeeded(await world.usnea(['create', '--bundle', (bundle ?? (await sleeping(world))).path, id]))
  return id
}

const isStopped = (world: World, id: string) =>
  until('the container stopped', async () => (await statusOf(world, id)) === 'stopped')

testAs({}, 'an id that does not exist is told by every verb', async (world) => {
  const id = world.newId()
  for (const verb of ['state', 'start', 'kill', 'ps', 'delete'])
    refused(await world.usnea([verb, id]), /container does not exist/)
  refused(await world.usnea(['exec', id, 'true']), /container does not exist/, 255)
})

testAs({}, 'delete --force of an id that does not exist is silent', async (world) => {
  assert.deepEqual(await world.usnea(['delete', '--force', world.newId()]), {
    status: 0,
    signal: null,
    stdout: '',
    stderr: '',
  })
})

testAs({}, 'an id that is in use is refused, and the container that has it lives on', async (world) => {
  const bundle = await sleeping(world)
  const id = await create(world, bundle)
  for (const verb of ['create', 'run']) {
    refused(await world.usnea([verb, '--bundle', bundle.path, id]), /container with given ID already exists/)
  }
  assert.equal(await statusOf(world, id), 'created')
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'a container can be created again under an id that was deleted', async (world) => {
  const bundle = await sleeping(world)
  const id = await create(world, bundle)
  succeeded(await world.usnea(['delete', '--force', id]))
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(
  {},
  'without a process there is nothing to run: created it can be, and ends when it is started',
  async (world) => {
    const bundle = await world.bundle((config) => {
      delete (config as Partial<Config>).process
    })
    refused(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), /no `process` section/)
    await world.nothingLeft()
    const id = await create(world, bundle)
    assert.equal(await statusOf(world, id), 'created')
    succeeded(await world.usnea(['start', id]))
    await isStopped(world, id)
    succeeded(await world.usnea(['delete', id]))
  },
)

testAs({}, 'start is refused for a container that runs or has stopped', async (world) => {
  const id = await create(world)
  succeeded(await world.usnea(['start', id]))
  refused(await world.usnea(['start', id]), /cannot start/)
  succeeded(await world.usnea(['kill', id, 'KILL']))
  await isStopped(world, id)
  refused(await world.usnea(['start', id]), /cannot start/)
  succeeded(await world.usnea(['delete', id]))
})

testAs({}, 'start is refused for a container whose waiting process was killed', async (world) => {
  const id = await create(world)
  succeeded(await world.usnea(['kill', id, 'KILL']))
  await isStopped(world, id)
  refused(await world.usnea(['start', id]), /cannot start/)
  succeeded(await world.usnea(['delete', id]))
})

testAs({}, 'delete is refused for a running container, and --force kills it', async (world) => {
  const id = await create(world)
  succeeded(await world.usnea(['start', id]))
  refused(
    await world.usnea(['delete', id]),
    /cannot delete container .* not stopped|cannot delete a container that is not stopped/,
  )
  assert.equal(await statusOf(world, id), 'running')
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'delete kills a container that was created and never started', async (world) => {
  succeeded(await world.usnea(['delete', await create(world)]))
})

testAs({}, 'a stopped container can be looked at, but neither killed nor entered', async (world) => {
  const id = await create(world)
  succeeded(await world.usnea(['start', id]))
  succeeded(await world.usnea(['kill', id, 'KILL']))
  await isStopped(world, id)
  const state = JSON.parse(succeeded(await world.usnea(['state', id])))
  assert.equal(state.pid, 0)
  refused(await world.usnea(['kill', id]), /container not running/)
  refused(await world.usnea(['exec', id, 'true']), /cannot exec in a stopped container/, 255)
  succeeded(await world.usnea(['delete', id]))
})

testAs({}, 'a signal is taken as a name in any case, with or without SIG, and as a number', async (world) => {
  for (const signal of ['TERM', 'SIGTERM', 'sigterm', 'term', '15', '9']) {
    const bundle = await world.bundle((config) => {
      config.process.args = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.05; done']
    })
    const id = world.newId()
    succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
    await until('the signal ended it', async () => {
      await world.usnea(['kill', id, signal])
      return (await statusOf(world, id)) === 'stopped'
    })
    succeeded(await world.usnea(['delete', id]))
  }
})

testAs({}, 'an unknown signal is refused and the container lives on', async (world) => {
  const id = await create(world)
  refused(await world.usnea(['kill', id, 'FROBNICATE']), /unknown signal.*FROBNICATE/)
  assert.equal(await statusOf(world, id), 'created')
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'changes of config.json after create have no effect', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'echo first > /tmp/said']
  })
  const id = await create(world, bundle)
  world.file(`${bundle.path.slice(world.identity.home.length)}/config.json`, '{"broken": true')
  succeeded(await world.usnea(['start', id]))
  await isStopped(world, id)
  succeeded(await world.usnea(['delete', id]))
})
