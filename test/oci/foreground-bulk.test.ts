// Needs a static busybox; much input and output in the foreground: nothing is lost, and nothing grows.
// USNEA_BULK_MIB sets how much (64; the full test is 2048).
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { testAs } from '../fixtures/cases.ts'
import { attending } from '../fixtures/resident.ts'
import { succeeded, type World } from '../fixtures/world.ts'

const mebibytes = Number(process.env.USNEA_BULK_MIB ?? 64)
const MINUTES = 10

const saying = (world: World, script: string) =>
  world.bundle((config) => {
    config.process.args = ['sh', '-c', script]
  })

/** The largest size, in KiB, of what waits in the foreground, looked at until the call has ended. */
async function largest(world: World, ended: Promise<unknown>): Promise<number> {
  let isOver = false
  const over = () => {
    isOver = true
  }
  ended.then(over, over)
  let most = 0
  while (!isOver) {
    most = Math.max(most, ...attending(world).map(({ resident }) => resident))
    await sleep(50)
  }
  return most
}

testAs({ as: ['root'] }, `${mebibytes} MiB go in and come out the same, in little memory`, async (world) => {
  const bundle = await saying(world, 'sleep 1; cat')
  const sums =
    'mkfifo fifo; sha256sum <fifo >before & head -c "$1" /dev/urandom | tee fifo | { shift; "$@"; } | sha256sum'
  const script = `${sums} >after; wait; cmp before after && echo equal; rm fifo before after`
  const through = ['sh', '-c', script, 'sh', String(mebibytes * 2 ** 20)]
  const timeout = MINUTES * 60_000
  const call = world.call(['run', '--bundle', bundle.path, world.newId()], { through, timeout })
  const most = await largest(world, call.ended)
  assert.equal(succeeded(await call.ended), 'equal\n')
  assert.ok(most > 0 && most < 5 * 1024, `${most} KiB`)
})

testAs({}, 'a slow reader gets everything, also what was written last', async (world) => {
  const bundle = await saying(world, 'seq 1 200000; seq 1 200000 >&2; exit 3')
  const count = `{ "$@"; echo "status $?" >status; } 2>&1 | { sleep 1; cat; } | wc -l; cat status; rm status`
  const call = ['run', '--bundle', bundle.path, world.newId()]
  const { stdout } = await world.usnea(call, { through: ['sh', '-c', count, 'sh'] })
  assert.equal(stdout, '400000\nstatus 3\n')
})

testAs({}, 'what a process that was left behind says does not keep the end away', async (world) => {
  const bundle = await saying(world, 'sleep 1000')
  const id = world.newId()
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  const endless = ['exec', id, 'sh', '-c', '(trap "" PIPE; while echo more; do :; done) & echo mine; exit 4']
  const { status, stdout } = await world.usnea(endless, { through: ['sh', '-c', '"$@" | head -c 100; exit 0', 'sh'] })
  assert.equal(status, 0)
  assert.ok(stdout.length === 100, stdout)
  const whole = await world.usnea(endless, { through: ['sh', '-c', '"$@" >/dev/null', 'sh'] })
  assert.equal(whole.status, 4)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'a killed waiting process takes its pipes along, and the container lives on', async (world) => {
  const bundle = await saying(
    world,
    'trap "" PIPE; echo up; cat; while sleep 0.1; do echo on || touch /tmp/broken; done',
  )
  const id = world.newId()
  const call = world.call(['run', '--bundle', bundle.path, id], { through: ['sh', '-c', 'sleep 1000 | "$@"', 'sh'] })
  const deadline = Date.now() + 20_000
  while (attending(world).length === 0 && Date.now() < deadline) await sleep(50)
  const [waiting] = attending(world)
  process.kill(waiting?.pid ?? 0, 'SIGKILL')
  let found = 1
  while (found !== 0 && Date.now() < deadline)
    found = (await world.usnea(['exec', id, 'test', '-e', '/tmp/broken'])).status ?? 1
  assert.equal(found, 0, 'the program was told that nobody listens')
  assert.equal(JSON.parse(succeeded(await world.usnea(['state', id]))).status, 'running')
  succeeded(await world.usnea(['delete', '--force', id]))
  await world.clear()
  await call.ended
})
