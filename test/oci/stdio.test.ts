// Needs a static busybox; what goes in comes in, what goes out comes out, and the exit status is the program's own.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { testAs } from '../fixtures/cases.ts'
import { runtimePath } from '../fixtures/install.ts'
import { until } from '../fixtures/until.ts'
import { succeeded, type World } from '../fixtures/world.ts'

const saying = (world: World, script: string) =>
  world.bundle((config) => {
    config.process.args = ['sh', '-c', script]
  })

testAs({}, 'a foreground run hands on stdin to its end, and keeps stdout and stderr apart', async (world) => {
  const bundle = await saying(world, 'cat; echo aside >&2')
  const outcome = await world.usnea(['run', '--bundle', bundle.path, world.newId()], { input: 'one\ntwo' })
  assert.deepEqual(outcome, { status: 0, signal: null, stdout: 'one\ntwo', stderr: 'aside\n' })
})

testAs({}, 'a foreground run hands on megabytes in both directions unchanged', async (world) => {
  const bundle = await saying(world, 'cat')
  const input = Array.from({ length: 300_000 }, (_, n) => `line ${n}\n`).join('')
  const { status, stdout } = await world.usnea(['run', '--bundle', bundle.path, world.newId()], { input })
  assert.equal(status, 0)
  assert.ok(stdout === input, `got ${stdout.length} of ${input.length} characters`)
})

testAs({}, 'a foreground run ends although nobody reads stdin, and with stdin left open', async (world) => {
  const bundle = await saying(world, 'echo done')
  const input = 'x'.repeat(1_000_000)
  assert.equal((await world.usnea(['run', '--bundle', bundle.path, world.newId()], { input })).stdout, 'done\n')
  const call = world.call(['run', '--bundle', bundle.path, world.newId()], {
    through: ['sh', '-c', 'sleep 1000 | exec "$@"', 'sh'],
  })
  await until('the program spoke', () => call.output().stdout === 'done\n')
  // The shell waits for its sleep; only the runtime had to end.
  await world.clear()
  await call.ended
})

// The first process of a pid namespace does not die of its own signals, so a child does.
const statuses = {
  'exit 0': 0,
  'exit 7': 7,
  'exit 255': 255,
  'sh -c "kill -KILL \\$\\$"; exit $?': 137,
  'sh -c "kill -TERM \\$\\$"; exit $?': 143,
}

for (const [script, status] of Object.entries(statuses)) {
  testAs({}, `a program that does ‘${script}’ gives status ${status}`, async (world) => {
    const bundle = await saying(world, script)
    assert.equal((await world.usnea(['run', '--bundle', bundle.path, world.newId()])).status, status)
  })
}

testAs({}, 'a container that is killed from outside gives 128 and the number of the signal', async (world) => {
  const bundle = await saying(world, 'echo up; sleep 1000')
  const id = world.newId()
  const call = world.call(['run', '--bundle', bundle.path, id])
  await until('the program runs', () => call.output().stdout === 'up\n')
  succeeded(await world.usnea(['kill', id, 'KILL']))
  assert.equal((await call.ended).status, 137)
})

testAs({}, 'a detached container has the stdio of the call that created it', async (world) => {
  const bundle = await saying(world, 'echo spoken; echo aside >&2; cat; sleep 1000')
  const id = world.newId()
  const created = world.call(['create', '--bundle', bundle.path, id])
  assert.equal((await created.ended).status, 0)
  assert.deepEqual(await world.usnea(['start', id]), { status: 0, signal: null, stdout: '', stderr: '' })
  await until('both lines came', () => {
    const { stdout, stderr } = created.output()
    return stdout === 'spoken\n' && stderr === 'aside\n'
  })
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'run --detach returns while the program runs', async (world) => {
  const bundle = await saying(world, 'sleep 1000')
  const id = world.newId()
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  assert.equal(JSON.parse(succeeded(await world.usnea(['state', id]))).status, 'running')
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'run removes the container when it ends, and --keep keeps it', async (world) => {
  const bundle = await saying(world, 'exit 4')
  const [gone, kept] = [world.newId(), world.newId()]
  assert.equal((await world.usnea(['run', '--bundle', bundle.path, gone])).status, 4)
  assert.equal((await world.usnea(['state', gone])).status, 1)
  assert.equal((await world.usnea(['run', '--keep', '--bundle', bundle.path, kept])).status, 4)
  assert.equal(JSON.parse(succeeded(await world.usnea(['state', kept]))).status, 'stopped')
  succeeded(await world.usnea(['delete', kept]))
})

testAs({}, 'the reader of a pipe sees its end when the foreground container ends', async (world) => {
  const bundle = await saying(world, 'echo one; echo two')
  const call = ['--root', world.state, 'run', '--bundle', bundle.path, world.newId()]
  const { file, args, cwd, ...credentials } = world.identity.wrap([await runtimePath(), ...call], world.identity.home)
  const child = spawn(file, args, {
    cwd,
    ...credentials,
    env: world.identity.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const chunks: Buffer[] = []
  for await (const chunk of child.stdout) chunks.push(chunk)
  assert.equal(Buffer.concat(chunks).toString(), 'one\ntwo\n')
})

testAs({}, 'the output of the program may be a closed pipe', async (world) => {
  const bundle = await saying(world, 'trap "" PIPE; echo one; echo two || exit 9; exit 5')
  const call = { through: ['sh', '-c', '"$@" | true; exit 0', 'sh'] }
  assert.equal((await world.usnea(['run', '--bundle', bundle.path, world.newId()], call)).status, 0)
})

testAs({}, 'the directory of the call does not matter, and a relative bundle is taken from it', async (world) => {
  const bundle = await saying(world, 'pwd')
  const name = bundle.path.slice(world.identity.home.length + 1)
  assert.equal(succeeded(await world.usnea(['run', '--bundle', name, world.newId()])), '/\n')
  assert.equal(succeeded(await world.usnea(['run', world.newId()], { cwd: bundle.path })), '/\n')
})
