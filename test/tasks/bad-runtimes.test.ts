// Needs nothing: the shim is ours, and the runtimes are fakes that hold a sleeping process.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { isRuntimeError } from '../../src/base/errors.ts'
import { hostTasks, type Tasks } from '../../src/tasks/index.ts'
import { repository } from '../fixtures/install.ts'
import { nothingLeft, ownServices, target } from '../fixtures/own-service.ts'
import { isAlive } from '../fixtures/processes.ts'
import { until } from '../fixtures/until.ts'

const services = ownServices({ connect: 3000, binary: 5000, make: 2000, call: 2000, restore: 5000 })
const runtime = join(repository, 'bin/containerd-shim-usnea-v2')
const options = { binaryName: join(repository, 'test/fixtures/fake-runtime.sh') }
const spec = Buffer.from('{}').toString('base64')
const wish = { ...target, runtime, options, spec, io: { kind: 'null' as const } }

/** Starts a service whose runtime is bad in this way. */
const withRuntime = (way: string, part: (tasks: Tasks, directory: string) => Promise<void>) => {
  const FAKE_PID = join(services.top, `pid-${way.replace(':', '-')}`)
  return services.play({ FAKE_RUNTIME: way, FAKE_PID, FAKE_STRANGER: String(stranger.pid) }, ({ host, directory }) =>
    part(host.service, directory),
  )
}

const refusal = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (error === undefined) return 'done'
  if (!isRuntimeError(error)) throw error
  return `${error.code}: ${error.message}`
}

const stranger = spawn('sleep', ['1000'], { stdio: 'ignore' })
after(() => stranger.kill('SIGKILL'))

describe('a runtime that misbehaves', { concurrency: 4 }, () => {
  for (const [way, words] of [
    ['hangs:create', /^shim-silent: Create was not answered in 2000 ms/],
    ['crashes:create', /^shim-failed: OCI runtime create failed: .*ended by signal 11/],
    ['fails:create', /^shim-failed: OCI runtime create failed: .*ended with status 1/],
    ['lies:create', /^shim-failed: failed to retrieve the pid of the container from .*init\.pid/],
    ['garbage:create', /^shim-failed: failed to retrieve the pid of the container/],
  ] as const)
    it(`${way}: one clear error, and nothing is left`, () =>
      withRuntime(way, async (tasks, directory) => {
        assert.match(await refusal(tasks.create(wish)), words)
        assert.deepEqual(await tasks.list(target), [])
        await nothingLeft(directory)
      }))

  for (const [way, words] of [
    ['hangs:start', /^shim-silent: Start was not answered in 2000 ms/],
    ['crashes:start', /^shim-failed: OCI runtime start failed: .*ended by signal 11/],
  ] as const)
    it(`${way}: it can be removed by force`, () =>
      withRuntime(way, async (tasks, directory) => {
        await tasks.create(wish)
        assert.match(await refusal(tasks.start(target)), words)
        assert.equal((await tasks.delete({ ...target, force: true })).exitStatus, 137)
        await nothingLeft(directory)
      }))

  for (const [way, words] of [
    ['hangs:delete', /^shim-silent: Delete was not answered in 2000 ms/],
    ['crashes:delete', /^shim-failed: .*ended by signal 11/],
  ] as const)
    it(`${way}: the task is told to be there still, and its process is not`, () =>
      withRuntime(way, async (tasks) => {
        const { shimPid } = await tasks.create(wish)
        const { pid } = await tasks.start(target)
        await tasks.kill({ ...target, signal: 9 })
        await tasks.wait(target)
        assert.match(await refusal(tasks.delete(target)), words)
        assert.equal(isAlive(pid), false)
        assert.equal((await tasks.list(target))[0]?.status, 'stopped')
        process.kill(shimPid, 'SIGKILL')
      }))

  it('names a process that is not of the container: that one is left alone', () =>
    withRuntime('stranger:create', async (tasks, directory) => {
      const made = await refusal(tasks.create(wish))
      if (made === 'done') await tasks.delete({ ...target, force: true })
      assert.equal(isAlive(stranger.pid ?? 0), true)
      assert.deepEqual(await tasks.list(target), [])
      await nothingLeft(directory)
    }))
})

const PAGE = 4096
const PAGES = 32
const small = services.newDirectory()
const whyNotSmall = () => {
  if (process.getuid?.() !== 0) return 'needs root'
  mkdirSync(small)
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${PAGES * PAGE}`, 'small', small]).status === 0
    ? undefined
    : 'mount(8) is not permitted here'
}

it('a disk with room for nothing, for a little, for nearly all of a task: one clear error, or a task, and nothing lost', {
  skip: whyNotSmall(),
}, async () => {
  const FAKE_PID = join(services.top, 'pid-full')
  await using _mount = { [Symbol.asyncDispose]: async () => void spawnSync('umount', ['--lazy', small]) }
  await using host = await hostTasks(services.optionsFor(small, { FAKE_RUNTIME: 'good', FAKE_PID }))
  await host.restored
  const { service } = host
  const answers: string[] = []
  for (let free = 0; free < 10; free++) {
    const filler = join(small, 'filler')
    fillBut(filler, free)
    answers.push((await refusal(service.create(wish))).replace(/[^A-Za-z-].*/, ''))
    if (answers.at(-1) === 'done') await service.delete({ ...target, force: true })
    rmSync(filler)
    await nothingLeft(small)
  }
  assert.match(answers.join(' '), /^task-bundle .*(shim-failed|task-bundle) .*done$/)
  assert.deepEqual([...new Set(answers)].sort(), ['done', 'shim-failed', 'task-bundle'])
  // What could not be written waits, and comes when there is room.
  await until('every event is written', async () => (await service.info()).problems.length === 0)
  const { events } = await service.events({ namespace: 'default', from: 0 })
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, at) => at + 1),
  )
  const told = (topic: string) => events.filter((event) => event.topic === topic).length
  assert.equal(told('/tasks/create'), told('/tasks/delete'))
  assert.ok(told('/tasks/create') >= answers.filter((answer) => answer === 'done').length)
})

/** Fills the file system up to so many pages. */
function fillBut(filler: string, pages: number): void {
  const fd = openSync(filler, 'w')
  try {
    for (;;) writeSync(fd, Buffer.alloc(PAGE))
  } catch {
    // full
  }
  ftruncateSync(fd, Math.max(0, fstatSync(fd).size - pages * PAGE))
  closeSync(fd)
}
