// Needs a static busybox; a signal that comes while something is being made ends the call, and nothing is left of it.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { until } from '../fixtures/until.ts'
import { succeeded, type World } from '../fixtures/world.ts'

const sleeping = (patch: (config: Config) => void = () => {}) => {
  return (config: Config) => {
    config.process.args = ['sleep', '1000']
    patch(config)
  }
}

const statusOf = async (world: World, id: string) => JSON.parse(succeeded(await world.usnea(['state', id]))).status

testAs({}, 'a signal ends a created container, which no program is there to handle', async (world) => {
  const bundle = await world.bundle(sleeping())
  for (const signal of ['TERM', 'INT', 'USR1', 'RTMAX']) {
    const id = world.newId()
    succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
    succeeded(await world.usnea(['kill', id, 'CONT']))
    assert.equal(await statusOf(world, id), 'created', 'a signal that ends nothing by default')
    succeeded(await world.usnea(['kill', id, signal]))
    await until(`${signal} ended it`, async () => (await statusOf(world, id)) === 'stopped')
    const started = await world.usnea(['start', id])
    assert.match(started.stderr, /cannot start a container that has stopped/)
    succeeded(await world.usnea(['delete', id]))
  }
})

testAs({}, 'the program begins without the handlers that init had', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['grep', '-E', '^Sig(Blk|Ign|Cgt)', '/proc/self/status']
  })
  const { stdout } = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
  assert.equal(
    stdout.replaceAll(/\s+/g, ' '),
    'SigBlk: 0000000000000000 SigIgn: 0000000000000000 SigCgt: 0000000000000000 ',
  )
})

testAs(
  {},
  'create that is interrupted at any point has made a container, or ends by the signal and left nothing',
  async (world) => {
    const bundle = await world.bundle(sleeping())
    const pidFile = join(world.identity.home, 'interrupted.pid')
    for (let round = 0; round < 10; round++) {
      const id = world.newId()
      const signal = (['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const)[round % 4] ?? 'SIGTERM'
      const call = world.call(['create', '--pid-file', pidFile, '--bundle', bundle.path, id])
      await sleep(Math.random() * 160)
      call.child.kill(signal)
      const { status, signal: ended, stderr } = await call.ended
      if (status === 0) {
        assert.equal(await statusOf(world, id), 'created')
        succeeded(await world.usnea(['delete', id]))
      } else {
        assert.equal(ended, signal, `status ${status}: ${stderr}`)
        assert.ok(!existsSync(join(world.state, id)), 'a directory is left')
        assert.ok(!existsSync(pidFile), 'a pid file is left')
      }
      await world.run(['rm', '-f', pidFile])
      await world.nothingLeft()
    }
  },
)

/** Ends whoever started it, and would then go on for ever. */
const deadly = (signal: string) => ({ path: '/bin/sh', args: ['sh', '-c', `kill -${signal} $PPID; sleep 1000 & wait`] })

for (const [name, args] of [
  ['createRuntime', ['create']],
  ['poststart', ['run', '--detach']],
] as const)
  testAs({}, `a signal during a ${name} hook ends the hook, and undoes what was made`, async (world) => {
    const told = join(world.identity.home, `${name}-told`)
    const poststop = { path: '/bin/sh', args: ['sh', '-c', `echo gone > ${told}`] }
    const bundle = await world.bundle(
      sleeping((config) => {
        config.hooks = { [name]: [deadly('TERM')], poststop: [poststop] }
      }),
    )
    const id = world.newId()
    const outcome = await world.usnea([...args, '--bundle', bundle.path, id])
    assert.deepEqual([outcome.status, outcome.signal], [null, 'SIGTERM'], outcome.stderr)
    assert.ok(!existsSync(join(world.state, id)))
    assert.equal(readFileSync(told, 'utf8'), 'gone\n', 'the hooks of the end were not run')
  })

testAs({}, 'a start that is killed while the container goes on leaves a container that runs', async (world) => {
  const hook = { path: '/bin/sh', args: ['sh', '-c', 'echo > /begun; until [ -e /go ]; do :; done'] }
  const bundle = await world.bundle(
    sleeping((config) => {
      config.hooks = { startContainer: [hook] }
    }),
  )
  const id = world.newId()
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  const { child, ended } = world.call(['start', id])
  await until('the hook runs', () => existsSync(join(bundle.rootfs, 'begun')))
  child.kill('SIGKILL')
  await ended
  assert.equal(await statusOf(world, id), 'created')
  writeFileSync(join(bundle.rootfs, 'go'), '')
  await until('the program runs', async () => (await statusOf(world, id)) === 'running')
  assert.match((await world.usnea(['start', id])).stderr, /cannot start an already running container/)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'what is no end for a foreground run waits for the program; what is one leaves nothing', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'sleep 1000 & wait']
    config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'kill -USR2 $PPID'] }] }
  })
  const kept = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
  assert.deepEqual([kept.status, kept.signal], [128 + 12, null], kept.stderr)
  const ended = await world.bundle(
    sleeping((config) => {
      config.hooks = { createRuntime: [deadly('INT')] }
    }),
  )
  const outcome = await world.usnea(['run', '--bundle', ended.path, world.newId()])
  assert.deepEqual([outcome.status, outcome.signal], [null, 'SIGINT'], outcome.stderr)
})
