// Needs nothing: the shims are fakes, and hold no container.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it, test } from 'node:test'
import { type Host, hostTasks, type Tasks } from '../../src/tasks/index.ts'
import { envelope, forwardRequest, packEvent } from '../../src/tasks/protobuf/events.ts'
import { connectTasks } from '../../src/tasks/socket/client.ts'
import { repository } from '../fixtures/install.ts'
import { nothingLeft, ownServices, target } from '../fixtures/own-service.ts'
import { refusal } from '../fixtures/tasks.ts'
import { until } from '../fixtures/until.ts'

const { newDirectory, optionsFor, play, top } = ownServices({
  ...{ connect: 1500, binary: 5000, make: 1500, call: 1500, restore: 1500 },
})
const runtime = join(repository, 'test/fixtures/fake-shim.mjs')
const uid = process.getuid?.() ?? 0
const spec = Buffer.from('{}').toString('base64')
const wish = { ...target, runtime, spec, io: { kind: 'null' as const } }

const withService = (env: Record<string, string>, part: (host: Host, directory: string) => Promise<void>) =>
  play(env, ({ host, directory }) => part(host, directory))

const never = {
  mute: 'shim-garbage',
  hangs: 'shim-silent',
  fails: 'shim-failed',
  version: 'shim-garbage',
  deaf: 'shim-silent',
  silent: 'shim-silent',
  garbage: 'shim-lost',
  lies: 'shim-garbage',
  'dies:Connect': 'shim-lost',
  'dies:Create': 'shim-lost',
  'stuck:Create': 'shim-silent',
}
/** What may be asked of a task that runs. */
const calls: Record<string, (service: Tasks) => Promise<unknown>> = {
  Start: (service) => service.start(target),
  State: async (service) => assert.equal((await service.state(target)).status, 'unknown'),
  Exec: (service) => service.exec({ ...target, execId: 'x', process: {}, io: { kind: 'null' } }),
  Kill: (service) => service.kill({ ...target, signal: 9 }),
  Pause: (service) => service.pause(target),
  Resume: (service) => service.resume(target),
  Pids: (service) => service.pids(target),
  Stats: (service) => service.stats(target),
  Update: (service) => service.update({ ...target, resources: {} }),
  ResizePty: (service) => service.resize({ ...target, width: 80, height: 25 }),
  CloseIO: (service) => service.closeInput(target),
  Checkpoint: (service) => service.checkpoint({ ...target, path: '/nowhere' }),
  Delete: (service) => service.delete(target),
}
/** Its death is no error of theirs: one looks, and the other wants the task to be gone. */
const borne = ['State', 'Delete']

describe('a shim that misbehaves', { concurrency: 4 }, () => {
  for (const [way, code] of Object.entries(never))
    it(`${way}: no task, one clear error, nothing left`, () =>
      withService({ FAKE_SHIM: way }, async ({ service }, directory) => {
        assert.equal(await refusal(service.create(wish)), code)
        assert.deepEqual(await service.list(target), [])
        await nothingLeft(directory)
      }))

  for (const [method, call] of Object.entries(calls))
    it(`dies:${method}: the task ends with 137, and nothing is left`, () =>
      // The state is asked for in a creation, too: only then it dies.
      withService({ FAKE_SHIM: `dies:${method}`, FAKE_SPARES: '1' }, async ({ service }, directory) => {
        await service.create(wish)
        if (method !== 'Start') await service.start(target)
        assert.equal(await refusal(call(service)), borne.includes(method) ? 'done' : 'shim-lost')
        assert.equal((await service.wait(target)).exitStatus, 137)
        await until('it is out of the list', async () => (await service.list(target)).length === 0)
        const { events } = await service.events({ namespace: 'default', from: 0 })
        const topics = events.map(({ topic }) => topic)
        assert.deepEqual(topics.slice(-2), ['/tasks/exit', '/tasks/delete'])
        await nothingLeft(directory)
      }))

  for (const method of ['Wait', 'Shutdown'])
    it(`dies:${method}: what nobody has asked for is no error of anybody`, () =>
      withService({ FAKE_SHIM: `dies:${method}` }, async ({ service }, directory) => {
        assert.match(await refusal(service.create(wish)), /^(done|shim-lost)$/)
        await service.delete({ ...target, force: true }).catch(() => {})
        await until('it is out of the list', async () => (await service.list(target)).length === 0)
        await nothingLeft(directory)
      }))

  it('stuck:State: it is listed with the reason, and a forced delete ends it', () =>
    withService({ FAKE_SHIM: 'stuck:State' }, async ({ service }, directory) => {
      const made = await service.create(wish)
      assert.deepEqual([made.status, made.problem], ['unknown', 'State was not answered in 1500 ms'])
      assert.equal(await refusal(service.delete(target)), 'done', 'its state is not asked for')
      await service.create(wish)
      assert.equal((await service.delete({ ...target, force: true })).exitStatus, 137)
      await nothingLeft(directory)
    }))
})

test('what cannot be cleaned up stays in the list, with both reasons, until it can', async () => {
  const directory = newDirectory()
  const broken = await hostTasks(optionsFor(directory, { FAKE_SHIM: 'good', FAKE_DELETE: 'fails' }))
  const { shimPid } = await broken.service.create({ ...wish, options: { binaryName: '/bin/false' } })
  await broken.service.start(target)
  process.kill(shimPid, 'SIGKILL')
  await until('the clean-up has failed', async () =>
    /could not be cleaned up/.test((await broken.service.list(target))[0]?.problem ?? ''),
  )
  const [problem] = (await broken.service.info()).problems
  assert.match(
    problem ?? '',
    /cleaned up; cause: .*fake-shim.mjs delete ended with status 3.*; \/bin\/false delete: status 1/,
  )
  await broken[Symbol.asyncDispose]()
  // The next service has a better world, and does it by itself.
  const host = await hostTasks(optionsFor(directory, { FAKE_SHIM: 'good' }))
  await host.restored
  assert.equal((await host.service.wait(target)).exitStatus, 137)
  assert.deepEqual(await host.service.list(target), [])
  await nothingLeft(directory)
  await host[Symbol.asyncDispose]()
})

test('[F] 3.9 the runtime that cleans up after a shim gets the options of the creation, the cgroup driver too', async () =>
  withService({ FAKE_SHIM: 'good', FAKE_DELETE: 'fails' }, async ({ service }, directory) => {
    const [seen, binaryName] = [join(directory, 'seen'), join(directory, 'runtime')]
    writeFileSync(binaryName, `#!/bin/sh\necho "$*" >> ${seen}\n`, { mode: 0o755 })
    const options = { binaryName, root: join(directory, 'r'), systemdCgroup: true }
    const { shimPid } = await service.create({ ...wish, options })
    await service.start(target)
    process.kill(shimPid, 'SIGKILL')
    assert.equal((await service.wait(target)).exitStatus, 137)
    await until('it is out of the list', async () => (await service.list(target)).length === 0)
    assert.equal(readFileSync(seen, 'utf8'), `--root ${directory}/r/default --systemd-cgroup delete --force box\n`)
  }))

test('a shim that hangs holds up no other one at a start, and is asked again later', async () => {
  const directory = newDirectory()
  const first = await hostTasks(optionsFor(directory))
  const slow = await first.service.create(wish)
  const other = { ...target, id: 'other' }
  await first.service.create({ ...wish, ...other })
  await first[Symbol.asyncDispose]()
  process.kill(slow.shimPid, 'SIGSTOP')
  const host = await hostTasks(optionsFor(directory))
  assert.equal((await host.service.state(other)).status, 'running')
  await host.restored
  assert.deepEqual(
    [(await host.service.state(target)).status, (await host.service.info()).problems.length],
    ['unknown', 1],
  )
  process.kill(slow.shimPid, 'SIGCONT')
  await until('it is found', async () => (await host.service.state(target)).status === 'running')
  assert.deepEqual((await host.service.info()).problems, [])
  for (const one of [target, other]) await host.service.delete({ ...one, force: true })
  await nothingLeft(directory)
  await host[Symbol.asyncDispose]()
})

test('events of shims: in any order, twice, of strangers, in thousands, and garbage', async () =>
  withService({}, async ({ service }, directory) => {
    const client = await connectTasks(join(directory, 'service.sock'), uid)
    assert.ok(client)
    const forward = (topic: Parameters<typeof packEvent>[0], event: object) =>
      service.forward({
        namespace: 'default',
        topic,
        time: new Date().toISOString(),
        event: Buffer.from(anyOf(topic, event)),
      })
    const { pid } = await service.create(wish)
    forward('/tasks/exit', { containerId: 'box', id: 'box', pid: pid + 1, exitStatus: 1 })
    await service.start(target)
    forward('/tasks/start', { containerId: 'box', pid })
    for (let n = 0; n < 2000; n++) forward('/tasks/oom', { containerId: 'box' })
    assert.equal(await refusal(client.publish({ namespace: 'a/b', topic: '/x', event: '' })), 'task-name')
    assert.equal(await refusal(client.publish({ namespace: 'default', topic: 'x', event: '' })), 'task-request')
    assert.equal(
      await refusal(client.publish({ namespace: 'default', topic: '/tasks/exit', event: '////' })),
      'task-request',
    )
    await client.publish({
      namespace: 'default',
      topic: '/custom',
      event: Buffer.from(anyOf('/tasks/oom', {})).toString('base64'),
    })
    await service.delete({ ...target, force: true })
    forward('/tasks/exit', { containerId: 'box', id: 'box', pid, exitStatus: 137 })
    const topics: string[] = []
    for (let from = 0; ; ) {
      const { events, next } = await client.events({ namespace: 'default', from })
      if (events.length === 0) break
      topics.push(...events.map(({ topic }) => topic))
      from = next
    }
    const seen = topics.filter((topic) => topic !== '/tasks/oom')
    assert.deepEqual(seen, ['/tasks/create', '/tasks/start', '/custom', '/tasks/exit', '/tasks/delete'])
    assert.equal(topics.length, 2005)
    client.close()
  }))

const anyOf = (topic: Parameters<typeof packEvent>[0], event: object) => {
  const bytes = forwardRequest.encode({ envelope: { event: packEvent(topic, event) } })
  const inner = forwardRequest.decode(bytes).envelope?.event
  return inner === undefined ? new Uint8Array() : envelope.fields.event[1].encode(inner)
}

test('the socket: another program at its path, a dead one’s, garbage, and another user', async () => {
  const directory = newDirectory()
  const options = optionsFor(directory)
  const first = await hostTasks(options)
  await assert.rejects(hostTasks(options), /another task service is at work in .*: process \d+/)
  const garbage = connect(options.places.socket)
  garbage.end('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await new Promise((resolve) => garbage.resume().once('close', resolve))
  if (uid === 0) {
    // Even where the modes would let them in, other users are not heard.
    for (const path of [top, directory, options.places.socket]) chmodSync(path, 0o777)
    const script = `const s = require('net').connect(${JSON.stringify(options.places.socket)}); s.on('close', () => process.exit(7)); setTimeout(() => process.exit(1), 5000)`
    const other = spawn(process.execPath, ['-e', script], { uid: 12345, gid: 12345, stdio: 'ignore' })
    assert.equal(await new Promise((resolve) => other.once('exit', resolve)), 7)
    for (const path of [top, directory]) chmodSync(path, 0o700)
  }
  await first[Symbol.asyncDispose]()
  const foreign = createServer((socket) => socket.end())
  await new Promise<void>((resolve) => foreign.listen(options.places.socket, resolve))
  assert.equal(await refusal(hostTasks(options)), 'daemon-socket')
  await new Promise((resolve) => foreign.close(resolve))
  // Where nobody listens there is nobody to be in the way of.
  writeFileSync(options.places.socket, '', { flag: 'a' })
  const host = await hostTasks(options)
  assert.equal(await refusal(host.service.info()), 'done')
  await host[Symbol.asyncDispose]()
})
