// Needs a static busybox: what is printed about containers, in the shape that callers read.
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

async function withContainer(world: World, body: (id: string, bundle: string) => Promise<void>): Promise<void> {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    config.annotations = { note: 'kept' }
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  await body(id, bundle.path)
  succeeded(await world.usnea(['delete', '--force', id]))
}

testAs({}, 'state is JSON of two blanks, in the known order, without a final newline', (world) =>
  withContainer(world, async (id, bundle) => {
    const text = succeeded(await world.usnea(['state', id]))
    const state = JSON.parse(text)
    assert.equal(text, JSON.stringify(state, null, 2))
    const order = ['ociVersion', 'id', 'pid', 'status', 'bundle', 'rootfs', 'created', 'annotations', 'owner']
    assert.deepEqual(Object.keys(state), order)
    assert.deepEqual(
      { ...state, pid: 0, created: '', owner: '' },
      {
        ociVersion: '1.2.0',
        id,
        pid: 0,
        status: 'running',
        bundle,
        rootfs: join(bundle, 'rootfs'),
        created: '',
        annotations: { note: 'kept' },
        owner: '',
      },
    )
    assert.match(state.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/)
    assert.ok(statSync(`/proc/${state.pid}`).isDirectory())
  }),
)

testAs({}, 'list prints a table, JSON of one line, or ids', (world) =>
  withContainer(world, async (id, bundle) => {
    const table = succeeded(await world.usnea(['list'])).split('\n')
    assert.match(table[0] ?? '', /^ID {2,}PID {2,}STATUS {2,}BUNDLE {2,}CREATED {2,}OWNER$/)
    assert.match(table[1] ?? '', new RegExp(`^${id} +\\d+ +running +${bundle} +\\S+ +${world.identity.user.name}$`))
    assert.equal(table.length, 3)
    assert.equal(succeeded(await world.usnea(['list', '--quiet'])), `${id}\n`)
    const text = succeeded(await world.usnea(['list', '--format', 'json']))
    assert.match(text, /^\[[^\n]*\]\n$/)
    const [only, ...others] = JSON.parse(text)
    assert.deepEqual(others, [])
    assert.deepEqual([only.id, only.status, only.bundle, only.owner], [id, 'running', bundle, world.identity.user.name])
  }),
)

testAs({}, 'an empty list is a header, an empty array, or nothing', async (world) => {
  const bundle = await world.bundle()
  const id = world.newId()
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  succeeded(await world.usnea(['delete', id]))
  assert.match(succeeded(await world.usnea(['list'])), /^ID +PID +STATUS +BUNDLE +CREATED +OWNER\n$/)
  assert.equal(succeeded(await world.usnea(['list', '-f', 'json'])), '[]\n')
  assert.equal(succeeded(await world.usnea(['list', '-q'])), '')
})

testAs({}, 'list of a state directory that was named and is not there is an error', async (world) => {
  refused(await world.usnea(['--root', join(world.identity.home, 'nowhere'), 'list'], { noRoot: true }), /nowhere/)
})

testAs({ needs: ['ps'] }, 'ps prints a table of ps(1) with the container’s processes only, or their pids', (world) =>
  withContainer(world, async (id) => {
    const { pid } = JSON.parse(succeeded(await world.usnea(['state', id])))
    assert.equal(succeeded(await world.usnea(['ps', '--format', 'json', id])), `[${pid}]\n`)
    const table = succeeded(await world.usnea(['ps', id]))
      .trimEnd()
      .split('\n')
    assert.match(table[0] ?? '', /\bPID\b.*\bCMD$/)
    assert.equal(table.length, 2)
    assert.match(table[1] ?? '', new RegExp(`\\b${pid}\\b.*sleep 1000$`))
    assert.match(
      succeeded(await world.usnea(['ps', id, '-o', 'pid,args'])),
      new RegExp(`^\\s*PID COMMAND\\n\\s*${pid} sleep 1000\\n$`),
    )
  }),
)
