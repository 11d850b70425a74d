// Needs a static busybox; whoever waits for a program in the foreground is small, and does all that Node did before.
import assert from 'node:assert/strict'
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs'
import { testAs } from '../fixtures/cases.ts'
import { withoutCalls } from '../fixtures/refusing.ts'
import { attending, handedOver, noNode } from '../fixtures/resident.ts'
import { until } from '../fixtures/until.ts'
import { succeeded } from '../fixtures/world.ts'

/** By number, because the real-time ones have no names that all shells know: HUP INT TERM USR1 CONT RTMIN RTMAX. */
const traps = [1, 2, 15, 10, 18, 34, 64]

testAs(
  {},
  'a foreground run leaves no Node behind, hands on every signal, and removes the container',
  async (world) => {
    const handled = traps.map((signal) => `trap "echo ${signal}" ${signal}`).join('; ')
    const script = `${handled}; trap "cat; echo end >&2; exit 3" ALRM; echo up; while :; do sleep 0.05; done`
    const bundle = await world.bundle((config) => {
      config.process.args = ['sh', '-c', script]
    })
    const id = world.newId()
    const call = world.call(['run', '--bundle', bundle.path, id], { input: 'a last word\n' })
    const [waiting] = await handedOver(world)
    noNode(world)
    await until('the program runs', () => call.output().stdout.startsWith('up\n'))
    for (const signal of traps) {
      process.kill(waiting?.pid ?? 0, signal)
      await until(`signal ${signal} arrived`, () => call.output().stdout.includes(`\n${signal}\n`))
    }
    process.kill(waiting?.pid ?? 0, 'SIGALRM')
    const stdout = `up\n${traps.join('\n')}\na last word\n`
    assert.deepEqual(await call.ended, { status: 3, signal: null, stdout, stderr: 'end\n' })
    assert.equal((await world.usnea(['state', id])).status, 1)
  },
)

testAs({}, 'exec leaves no Node behind either, and gives the status of a program that was killed', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })
  const id = world.newId()
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  assert.deepEqual(attending(world), [])
  noNode(world)
  const call = world.call(['exec', id, 'sh', '-c', 'cat >&2; echo here; sleep 1000'], { input: 'in' })
  const [waiting] = await handedOver(world)
  noNode(world)
  await until('the program runs', () => call.output().stdout === 'here\n')
  process.kill(waiting?.pid ?? 0, 'SIGTERM')
  assert.deepEqual(await call.ended, { status: 143, signal: null, stdout: 'here\n', stderr: 'in' })
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'what was read before the change of process is not lost', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'while [ ! -e /tmp/go ]; do sleep 0.05; done; cat']
  })
  const id = world.newId()
  const input = Array.from({ length: 40_000 }, (_, n) => `line ${n}\n`).join('')
  const call = world.call(['run', '--bundle', bundle.path, id], { input })
  await handedOver(world)
  succeeded(await world.usnea(['exec', id, 'touch', '/tmp/go']))
  const { status, stdout } = await call.ended
  assert.equal(status, 0)
  assert.ok(stdout === input, `got ${stdout.length} of ${input.length} characters`)
})

testAs({}, '--keep keeps the container that has ended after the change of process', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'trap "exit 4" TERM; echo up; while :; do sleep 0.05; done']
  })
  const id = world.newId()
  const call = world.call(['run', '--keep', '--bundle', bundle.path, id])
  await handedOver(world)
  await until('the program runs', () => call.output().stdout === 'up\n')
  succeeded(await world.usnea(['kill', id, 'TERM']))
  assert.equal((await call.ended).status, 4)
  assert.equal(JSON.parse(succeeded(await world.usnea(['state', id]))).status, 'stopped')
  succeeded(await world.usnea(['delete', id]))
})

testAs({}, 'a strange PATH, a directory that is gone, and a relative root do no harm', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'trap "exit 6" TERM; echo up; while :; do sleep 0.05; done']
  })
  const script = '/bin/mkdir -p passing; cd passing; /bin/rmdir ../passing; exec "$@"'
  const calls = {
    strange: { through: ['/bin/sh', '-c', script, 'sh'], env: { PATH: '.:relative' } },
    relative: { noRoot: true },
  }
  for (const [name, options] of Object.entries(calls)) {
    const root = name === 'relative' ? ['--root', 'state'] : []
    const call = world.call([...root, 'run', '--bundle', bundle.path, world.newId()], options)
    const [waiting] = await handedOver(world)
    await until('the program runs', () => call.output().stdout === 'up\n')
    process.kill(waiting?.pid ?? 0, 'SIGTERM')
    const { status, stdout, stderr } = await call.ended
    assert.deepEqual({ status, stdout }, { status: 6, stdout: 'up\n' }, stderr)
    await world.nothingLeft()
  }
})

testAs(
  { as: ['root'], needs: ['python3'] },
  'what the caller left open is closed there also where close_range is refused',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.args = ['sleep', '1000']
    })
    const left = world.file('left-open', 'x')
    // Node marks what it inherits, but only up to the first gap behind 15.
    const high = ['/usr/bin/python3', '-c', 'import os, sys; os.dup2(3, 40); os.execvp(sys.argv[1], sys.argv[1:])']
    for (const through of [high, [...withoutCalls('close_range'), ...high]]) {
      const descriptor = openSync(left, 'r')
      const id = world.newId()
      const call = world.call(['run', '--bundle', bundle.path, id], { through, descriptors: [descriptor] })
      closeSync(descriptor)
      const [waiting] = await handedOver(world)
      const folder = `/proc/${waiting?.pid}/fd`
      assert.deepEqual(
        readdirSync(folder).filter((fd) => readlinkSync(`${folder}/${fd}`) === left),
        [],
      )
      succeeded(await world.usnea(['kill', id, 'KILL']))
      assert.equal((await call.ended).status, 137)
    }
  },
)
