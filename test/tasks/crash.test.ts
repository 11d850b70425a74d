// Needs root, a static busybox; containerd's shim and runc are used too where they are.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { whyNot } from '../fixtures/as.ts'
import { needs } from '../fixtures/needs.ts'
import { readProcess } from '../fixtures/processes.ts'
import { eventsOf, namespace, openTaskWorld, refusal, type ShimChoice } from '../fixtures/tasks.ts'
import { until } from '../fixtures/until.ts'

const skip = needs('busybox') ?? whyNot('root')
const service = skip === undefined ? await openTaskWorld('root') : undefined
await service?.start()
after(() => service?.[Symbol.asyncDispose]())

const forever = ['sh', '-c', 'trap "exit 9" TERM; while :; do sleep 0.05; done']
const process = {
  args: ['sh', '-c', 'while [ ! -e /go ]; do sleep 0.05; done; exit 8'],
  cwd: '/',
  user: { uid: 0, gid: 0 },
  env: ['PATH=/bin'],
}

function testEach(title: string, play: (world: NonNullable<typeof service>, shim: ShimChoice) => Promise<void>): void {
  for (const name of ['usnea', 'runc']) {
    const shim = service?.shims.find((one) => one.name === name)
    test(`the shim of ${name}: ${title}`, {
      skip: skip ?? (shim ? undefined : 'needs containerd-shim-runc-v2 and runc'),
    }, async () => {
      assert.ok(service && shim)
      await play(service, shim)
    })
  }
}

const gone = (pid: number) => until(`process ${pid} is gone`, () => (readProcess(pid)?.state ?? 'Z') === 'Z')

testEach('kill -9 of the daemon: every task is found, and exits that came meanwhile are told', async (world, shim) => {
  const [stays, ends, dies] = [world.world.newId(), world.world.newId(), world.world.newId()]
  const before = await world.client()
  // One that ends as soon as it gets a signal, by its own status.
  for (const id of [stays, ends, dies]) {
    await before.create(world.wish(shim, { id, args: forever, io: { kind: 'null' } }))
    await before.start({ namespace, id })
  }
  await before.exec({ namespace, id: ends, execId: 'x', process, io: { kind: 'null' } })
  await before.start({ namespace, id: ends, execId: 'x' })
  const was = new Map((await before.list({ namespace })).map((task) => [task.id, task]))
  await world.kill()
  spawnSync('kill', ['-TERM', String(was.get(ends)?.pid)])
  spawnSync('kill', ['-KILL', String(was.get(dies)?.shimPid)])
  await gone(was.get(ends)?.pid ?? 0)
  await gone(was.get(dies)?.shimPid ?? 0)
  await world.start()
  const tasks = await world.client()
  assert.equal((await tasks.wait({ namespace, id: ends })).exitStatus, 9)
  assert.equal((await tasks.wait({ namespace, id: dies })).exitStatus, 137)
  const found = await tasks.state({ namespace, id: stays })
  assert.deepEqual([found.status, found.pid, found.shimPid], ['running', was.get(stays)?.pid, was.get(stays)?.shimPid])
  await until('the dead one is cleaned up', async () => (await tasks.list({ namespace })).length === 2)
  await gone(was.get(dies)?.pid ?? 0)
  assert.deepEqual(await eventsOf(tasks, dies), ['create', 'start', 'exit 137', 'delete 137'])
  // Somebody waits for the exit of what was found, too.
  await tasks.kill({ namespace, id: stays, signal: 15 })
  assert.equal((await tasks.wait({ namespace, id: stays })).exitStatus, 9)
  for (const id of [stays, ends]) await tasks.delete({ namespace, id })
  assert.deepEqual(await eventsOf(tasks, stays), ['create', 'start', 'exit 9', 'delete 9'])
  const told = await eventsOf(tasks, ends)
  assert.deepEqual(
    [told.slice(0, 4), told.slice(-2)],
    [
      ['create', 'start', 'exec-added x', 'exec-started x'],
      ['exit 9', 'delete 9'],
    ],
  )
  assert.match(told[4] ?? '', /^exit x 137$/)
})

testEach('a shim that is killed: exit 137, then delete, and nothing is left', async (world, shim) => {
  const id = world.world.newId()
  const tasks = await world.client()
  await tasks.create(world.wish(shim, { id, args: forever, io: { kind: 'log' } }))
  await tasks.start({ namespace, id })
  const { shimPid, pid, bundle } = await tasks.state({ namespace, id })
  spawnSync('kill', ['-KILL', String(shimPid)])
  assert.equal((await tasks.wait({ namespace, id })).exitStatus, 137)
  await until('it is not in the list', async () => (await tasks.list({ namespace })).length === 0)
  assert.deepEqual(await eventsOf(tasks, id), ['create', 'start', 'exit 137', 'delete 137'])
  await gone(pid)
  assert.equal(existsSync(bundle), false)
  assert.deepEqual(readdirSync(join(world.directory, 'data', namespace, 'tasks')), [])
})

testEach('a first process that is killed', async (world, shim) => {
  const id = world.world.newId()
  const tasks = await world.client()
  await tasks.create(world.wish(shim, { id, args: forever, io: { kind: 'null' } }))
  const { pid } = await tasks.start({ namespace, id })
  spawnSync('kill', ['-KILL', String(pid)])
  assert.equal((await tasks.wait({ namespace, id })).exitStatus, 137)
  assert.equal((await tasks.delete({ namespace, id })).exitStatus, 137)
})

testEach('a bundle with a mount in it: what is mounted is taken off and stays whole', async (world, shim) => {
  const id = world.world.newId()
  const tasks = await world.client()
  const { bundle } = await tasks.create(world.wish(shim, { id, args: forever, io: { kind: 'null' } }))
  const precious = join(world.directory, `precious-${id}`)
  mkdirSync(precious)
  writeFileSync(join(precious, 'file'), 'kept')
  // Twice: stacked mounts, the second of them busy.
  for (let count = 0; count < 2; count++)
    assert.equal(spawnSync('mount', ['--bind', precious, join(bundle, 'rootfs')]).status, 0)
  const busy = world.world.start(['sleep', '1000'], { cwd: join(bundle, 'rootfs') })
  await tasks.delete({ namespace, id, force: true })
  assert.equal(readFileSync(join(precious, 'file'), 'utf8'), 'kept')
  assert.equal(existsSync(bundle), false)
  busy.child.kill('SIGKILL')
  await busy.ended
})

test('what is damaged stops nothing else: half a bundle, a hidden rest, no record, a record of another', {
  skip,
}, async () => {
  assert.ok(service)
  const shim = service.shims[0] as ShimChoice
  const id = service.world.newId()
  const tasks = await service.client()
  await tasks.create(service.wish(shim, { id, args: forever, io: { kind: 'null' } }))
  await tasks.start({ namespace, id })
  await service.kill()
  const parent = join(service.directory, 'state', namespace)
  for (const name of ['half', '.gone-x-1-abc', `.${id}`, 'other', 'torn']) mkdirSync(join(parent, name))
  writeFileSync(join(parent, 'half', 'config.json'), '{}')
  writeFileSync(join(parent, `.${id}`, 'file'), '')
  writeFileSync(join(parent, 'other', 'task.json'), readFileSync(join(parent, id, 'task.json')))
  writeFileSync(join(parent, 'torn', 'task.json'), '{"version":1,"id":"to')
  writeFileSync(join(service.directory, 'state', 'a-file'), '')
  mkdirSync(join(service.directory, 'state', 'broken-space'))
  writeFileSync(join(service.directory, 'state', 'broken-space', 'a-file'), '')
  await service.start()
  const again = await service.client()
  assert.deepEqual(
    (await again.list({ namespace })).map((task) => [task.id, task.status]),
    [[id, 'running']],
  )
  await until('the rest is swept', () => readdirSync(parent).length === 1)
  await again.delete({ namespace, id, force: true })
  assert.deepEqual(readdirSync(parent), [])
})

test('a second daemon is refused, and says who has the directory', { skip }, async () => {
  assert.ok(service)
  const second = await service.world.usnea(['daemon', '--service', service.directory], { noRoot: true })
  assert.equal(second.status, 1)
  assert.match(second.stderr, new RegExp(`another task service is at work in .*: process ${service.daemonPid()}; fix`))
  assert.equal(await refusal((await service.client()).list({ namespace })), 'done')
})
