// Needs a static busybox; a state file that is damaged, foreign or newer is told apart, and delete --force removes it.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { until } from '../fixtures/until.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

/** A container whose program has ended, so that only its state is left. */
async function stopped(world: World): Promise<string> {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['true']
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  const status = async () => JSON.parse(succeeded(await world.usnea(['state', id]))).status
  await until('the program ended', async () => (await status()) === 'stopped')
  return id
}

const damages: Record<string, readonly [(text: string) => string, RegExp]> = {
  'is empty': [() => '', /state file of the container cannot be read/],
  'stops in the middle': [(text) => text.slice(0, text.length / 2), /state file of the container cannot be read/],
  'is a list': [() => '[]', /state file of the container cannot be read/],
  'is of another runtime': [
    () => '{"id":"x","init_process_pid":1,"created":"2026-01-01T00:00:00Z"}',
    /state file of the container cannot be read/,
  ],
  'comes from the future': [(text) => fromTheFuture(text), /newer format/],
}

function fromTheFuture(text: string): string {
  const state = JSON.parse(text) as Record<string, unknown>
  const key = Object.keys(state).find((name) => /version/i.test(name) && typeof state[name] === 'number')
  assert.ok(key, 'the state file has no version number')
  return JSON.stringify({ ...state, [key]: 99_999 })
}

for (const [title, [damage, words]] of Object.entries(damages)) {
  testAs({}, `a state file that ${title} is told, and delete --force removes it`, async (world) => {
    const id = await stopped(world)
    const file = join(world.state, id, 'state.json')
    writeFileSync(file, damage(readFileSync(file, 'utf8')))
    for (const verb of ['state', 'start', 'kill', 'ps', 'delete']) refused(await world.usnea([verb, id]), words)
    refused(await world.usnea(['exec', id, 'true']), words, 255)
    succeeded(await world.usnea(['delete', '--force', id]))
  })
}

testAs(
  { as: ['root'] },
  'with its state file damaged, delete --force still ends what runs in its cgroup',
  async (world) => {
    const id = world.newId()
    const bundle = await world.bundle((config) => {
      config.process.args = ['sleep', '1000']
    })
    succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
    writeFileSync(join(world.state, id, 'state.json'), '{')
    succeeded(await world.usnea(['delete', '--force', id]))
  },
)

testAs({}, 'a damaged state file does not hide the other containers from list', async (world) => {
  const [good, bad] = [await stopped(world), await stopped(world)]
  writeFileSync(join(world.state, bad, 'state.json'), '{')
  const listed = await world.usnea(['list', '--quiet'])
  assert.deepEqual(succeeded(listed).trim().split('\n'), [good])
  assert.match(listed.stderr, new RegExp(bad))
  for (const id of [good, bad]) succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'a container from before a restart of the machine is stopped, not running', async (world) => {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  const file = join(world.state, id, 'state.json')
  const text = readFileSync(file, 'utf8')
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  assert.ok(text.includes(bootId), 'the state file does not hold the boot id')
  const other = '00000000-0000-4000-8000-000000000000'
  writeFileSync(file, text.replace(bootId, other))
  assert.equal(JSON.parse(succeeded(await world.usnea(['state', id]))).status, 'stopped')
  writeFileSync(file, text)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'a process that got the pid of a dead container is not taken for it', async (world) => {
  const id = await stopped(world)
  const file = join(world.state, id, 'state.json')
  const state = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  const key = Object.keys(state).find((name) => /^(init)?pid$/i.test(name))
  assert.ok(key, 'the state file has no pid')
  const stranger = world.call(['-c', 'sleep 1000'], { through: ['sh', '-c', 'exec sleep 1000'], noRoot: true })
  writeFileSync(file, JSON.stringify({ ...state, [key]: stranger.pid }))
  assert.equal(JSON.parse(succeeded(await world.usnea(['state', id]))).status, 'stopped')
  refused(await world.usnea(['kill', id, 'KILL']), /container not running/)
  succeeded(await world.usnea(['delete', '--force', id]))
  assert.equal(stranger.child.exitCode, null, 'the stranger was killed')
  stranger.child.kill('SIGKILL')
  await stranger.ended
})
