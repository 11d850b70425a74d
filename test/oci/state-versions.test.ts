// Needs a static busybox: a container whose state was written by an older or newer release of the same format stays usable.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { until } from '../fixtures/until.ts'
import { succeeded, type World } from '../fixtures/world.ts'

type State = Record<string, unknown>

/** What a first release may not have written yet. */
const optional = ['ready', 'rootless', 'level', 'tail', 'degradations']
// Without `cgroup` nobody would take away the one that today's create has made.
const needed = ['version', 'id', 'bundle', 'rootfs', 'created', 'pid', 'startTime', 'bootId', 'spec', 'maps', 'cgroup']

const releases: Record<string, (state: State) => State> = {
  older: (state) => Object.fromEntries(Object.entries(state).filter(([name]) => needed.includes(name))),
  newer: (state) => ({ ...state, wish: { deep: ['kept'] }, rootless: { ...(state.rootless as State), more: 1 } }),
}

async function rewrite(world: World, id: string, change: (state: State) => State): Promise<void> {
  const file = join(world.state, id, 'state.json')
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8')))))
}

for (const [release, change] of Object.entries(releases)) {
  testAs(
    { as: ['root', 'ranges', 'plain'] },
    `every verb works on a container of an ${release} release`,
    async (world) => {
      const id = world.newId()
      const bundle = await world.bundle((config) => {
        config.process.args = ['sleep', '1000']
      })
      const statusOf = async () => JSON.parse(succeeded(await world.usnea(['state', id]))).status
      succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
      await rewrite(world, id, change)
      assert.equal(await statusOf(), 'created')
      succeeded(await world.usnea(['start', id]))
      await rewrite(world, id, change)
      assert.equal(await statusOf(), 'running')
      assert.equal(succeeded(await world.usnea(['exec', id, 'hostname'])), 'boxed\n')
      assert.equal(JSON.parse(succeeded(await world.usnea(['list', '-f', 'json'])))[0].status, 'running')
      assert.equal(JSON.parse(succeeded(await world.usnea(['ps', '-f', 'json', id]))).length, 1)
      succeeded(await world.usnea(['kill', id, 'KILL']))
      await until('it stopped', async () => (await statusOf()) === 'stopped')
      succeeded(await world.usnea(['delete', id]))
    },
  )
}

testAs(
  {},
  'the fields that this test takes for optional are written today, and no field is forgotten here',
  async (world) => {
    const id = world.newId()
    const bundle = await world.bundle()
    succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
    const state = JSON.parse(readFileSync(join(world.state, id, 'state.json'), 'utf8'))
    for (const name of optional) assert.ok(name in state, name)
    succeeded(await world.usnea(['delete', id]))
  },
)
