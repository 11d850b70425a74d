// Needs user namespaces, a user with ranges, a static busybox.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connectTasks, type TasksClient } from '../../src/tasks/index.ts'
import { makeDirectory, whyNot } from '../fixtures/as.ts'
import { runtimePath } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'
import { assertShape } from '../fixtures/shape.ts'
import { openTaskWorld, refusal } from '../fixtures/tasks.ts'
import { until } from '../fixtures/until.ts'
import { refused, succeeded } from '../fixtures/world.ts'

const skip = needs('busybox') ?? whyNot('ranges')
const service = skip === undefined ? await openTaskWorld('ranges') : undefined
after(() => service?.[Symbol.asyncDispose]())

test('without a daemon: run, list, wait, logs, events, delete, each by itself', { skip }, async () => {
  assert.ok(service)
  const { world, directory, env } = service
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'read line; echo "got $line"; exit 7']
  })
  const task = (...words: string[]) => [...['task', ...words.slice(0, 1), '--service', directory], ...words.slice(1)]
  const call = (words: string[], input?: string) =>
    world.usnea(task(...words), { noRoot: true, env, ...(input !== undefined && { input }) })
  const run = await call(['run', '--bundle', bundle.path, 'front'], 'typed\n')
  assert.deepEqual([run.status, run.stdout, run.stderr], [7, 'got typed\n', ''])
  succeeded(await call(['run', '-d', '--bundle', bundle.path, 'back']))
  assert.equal(succeeded(await call(['wait', 'back'])), '7\n')
  assert.equal(succeeded(await call(['logs', '--follow', 'back'])), 'got \n')
  assert.match(
    succeeded(await call(['list'])),
    /^TASK +PID +STATUS +RUNTIME +CREATED\nback +\d+ +STOPPED \(7\) +containerd-shim-usnea-v2 /,
  )
  const told = async (...words: string[]) => JSON.parse(succeeded(await call(words)))
  const listed = await told('list', '--json')
  assert.equal(listed.length, 1)
  assertShape('task list', listed)
  assertShape('task list', [await told('state', 'back')])
  assertShape('task ps', await told('ps', '--json', 'back'))
  assertShape('task wait', await told('wait', '--json', 'back'))
  refused(await call(['delete', 'front']), /task front does not exist; fix: usnea task list/)
  succeeded(await call(['delete', 'back']))
  const events = succeeded(await call(['events', '--json']))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  for (const event of events) assertShape('task events', event)
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, at) => at + 1),
  )
  assert.equal(succeeded(await call(['wait', 'front'])), '7\n')
  refused(await world.usnea(['task', 'lits'], { noRoot: true }), /unknown command: task lits; fix: use task list/)
})

test('SIGHUP: the daemon knows the runtimes that the settings name now, keeps them where those are wrong, and loses no task', {
  skip,
}, async () => {
  assert.ok(service)
  const { world, env } = service
  const directory = join(world.identity.home, 'reloaded')
  const config = (text: string) => world.file('reloaded.toml', text, 0o600)
  const path = config('')
  const daemon = world.start([await runtimePath(), 'daemon', '--service', directory], {
    env: { ...env, USNEA_CONFIG: path },
  })
  let found: TasksClient | undefined
  await until('the daemon listens', async () => {
    assert.equal(daemon.child.exitCode, null, daemon.output().stderr)
    found = await connectTasks(join(directory, 'service.sock'), world.identity.user.uid)
    return found !== undefined
  })
  const tasks = found as TasksClient
  const told = async (text: string) => {
    daemon.child.kill('SIGHUP')
    await until(text, () => daemon.output().stderr.includes(text))
  }
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })
  const create = (id: string, runtime?: string) => {
    const config = { ...bundle.config, root: { path: bundle.rootfs } }
    const spec = Buffer.from(JSON.stringify(config)).toString('base64')
    return tasks.create({ namespace: 'default', id, spec, io: { kind: 'null' }, ...(runtime && { runtime }) })
  }
  await create('stays')
  assert.equal(await refusal(create('late', 'later')), 'runtime-unknown')
  config(`[runtimes.later]\npath = ${JSON.stringify(await runtimePath())}\nargs = ["--log-level", "error"]\n`)
  await told('the settings were read again: added: later')
  assert.equal((await create('late', 'later')).runtime, 'later')
  config('[runtimes.later]\npath = 3\n')
  await told('the settings stay as they were')
  assert.equal((await create('later', 'later')).status, 'created')
  assert.equal((await tasks.start({ namespace: 'default', id: 'stays' })).pid > 0, true)
  for (const id of ['stays', 'late', 'later']) await tasks.delete({ namespace: 'default', id, force: true })
  tasks.close()
  daemon.child.kill('SIGTERM')
  assert.equal((await daemon.ended).status, 0)
})

/** What systemd does for a socket unit: it listens, and hands the socket on as descriptor 3. */
const activate = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(5)
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
`

test('socket activation: the service listens with a socket that it was handed', {
  skip: skip ?? needs('python3'),
}, async () => {
  assert.ok(service)
  const { world, env } = service
  const directory = join(world.identity.home, 'activated')
  const { user } = world.identity
  makeDirectory(directory, 0o700, user)
  const path = join(directory, 'service.sock')
  const words = [await runtimePath(), 'daemon', '--service', directory]
  const daemon = world.start(['python3', '-c', activate, path, ...words], { env })
  await until('the daemon answers', async () => {
    assert.equal(daemon.child.exitCode, null, daemon.output().stderr)
    const tasks = await connectTasks(path, user.uid)
    const answer = await tasks?.info({})
    tasks?.close()
    return answer?.pid === daemon.pid
  })
  daemon.child.kill('SIGTERM')
  const ended = await daemon.ended
  assert.deepEqual([ended.status, ended.stderr], [0, ''])
  // It is not ours to remove.
  assert.ok(existsSync(path))
})
