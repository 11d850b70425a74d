/** One sandbox for all of a program: a thousand listeners and runs, and an abort signal that they share, are no leak and look like none. */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { readdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { SandboxError, sandbox } from '../../src/index.ts'
import { needs } from '../fixtures/needs.ts'
import { until } from '../fixtures/until.ts'

const skip = needs('userns') ?? false
const MANY = 1000
const AT_ONCE = 50

const warnings: Error[] = []
const hear = (warning: Error) => void warnings.push(warning)
before(() => process.on('warning', hear))
after(() => process.off('warning', hear))

/** A warning comes with the next tick. */
async function assertNoWarning(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(warnings.map(String), [])
}

const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length
const processListeners = () => process.eventNames().map((name) => [String(name), process.listenerCount(name)])

test('a thousand listeners of one sandbox are heard, and are no warning', { skip }, async () => {
  await using box = sandbox({ cwd: '/', memory: '100M', accept: ['limits'] })
  let heard = 0
  const listeners = Array.from({ length: MANY }, () => () => void heard++)
  for (const listener of listeners) box.on('limit', listener)
  await assertNoWarning()
  assert.equal(box.listenerCount('limit'), MANY)
  await box.run(['true'])
  for (const listener of listeners) box.off('limit', listener)
  assert.deepEqual([box.listenerCount('limit'), heard], [0, 0])
})

for (const warm of [0, 4])
  test(`a thousand runs ${warm ? 'from a pool ' : ''}share one abort signal, and leave no listener`, {
    skip,
  }, async () => {
    await using box = sandbox({ cwd: '/' }, { warm })
    const { signal } = new AbortController()
    const run = () => box.run(['true'], { cancelSignal: signal })
    await run()
    const before = { descriptors: readdirSync('/proc/self/fd').length, listeners: processListeners() }
    for (let done = 0; done < MANY; done += AT_ONCE) {
      const running = Array.from({ length: AT_ONCE }, run)
      assert.ok(listenersOf(signal) <= AT_ONCE)
      await Promise.all(running)
    }
    assert.equal(listenersOf(signal), 0)
    await assertNoWarning()
    await until('descriptors are closed', () => readdirSync('/proc/self/fd').length <= before.descriptors)
    await until('nobody listens to the process any more', () => {
      return processListeners().every(
        ([name, count]) =>
          before.listeners.some((one) => one[0] === name && Number(count) <= Number(one[1])) || name === 'SIGCHLD',
      )
    })
  })

test('what never ran leaves no listener either: failed, refused, aborted before', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  await using shell = box.shell()
  const { signal } = new AbortController()
  const closed = sandbox({ cwd: '/' })
  await closed.close()
  for (let round = 0; round < 20; round++) {
    for (const run of [
      () => box.run(['no-such'], { cancelSignal: signal }),
      () => box.run(['true'], { cancelSignal: signal, timeout: -1 }),
      () => closed.run(['true'], { cancelSignal: signal }),
      () => shell.run('false', { cancelSignal: signal }),
    ])
      await assert.rejects(run)
  }
  assert.equal(listenersOf(signal), 0)
  const late = AbortSignal.abort()
  for (const running of [box.run(['true'], { cancelSignal: late }), shell.run('true', { cancelSignal: late })])
    await assert.rejects(running, { code: 'command-canceled' })
  assert.equal(listenersOf(late), 0)
})

test('one abort ends all that share it, and each has the reason', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const controller = new AbortController()
  const running = Array.from({ length: AT_ONCE }, () =>
    box.run(['sleep', '100'], { cancelSignal: controller.signal, reject: false }),
  )
  const reason = new Error('enough')
  setTimeout(() => controller.abort(reason), 200)
  for (const result of await Promise.all(running)) {
    assert.ok(result instanceof SandboxError)
    assert.deepEqual([result.code, result.isCanceled, result.cause], ['command-canceled', true, reason])
  }
  assert.equal(listenersOf(controller.signal), 0)
  await assertNoWarning()
})
