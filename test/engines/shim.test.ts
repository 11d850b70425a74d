// Needs a static busybox and python3; each part says which identity it plays. Our shim without a containerd around it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createReadStream, createWriteStream, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { CGROUP1_METRICS, cgroup1Metrics } from '../../src/tasks/protobuf/metrics-v1.ts'
import { cgroup2Metrics } from '../../src/tasks/protobuf/metrics-v2.ts'
import {
  CHECKPOINT_OPTIONS,
  checkpointOptions,
  OCI_RESOURCES,
  processDetails,
} from '../../src/tasks/protobuf/options.ts'
import { taskStatuses } from '../../src/tasks/protobuf/task.ts'
import { type IdentityName, whyNot } from '../fixtures/as.ts'
import { whyNoCriu } from '../fixtures/criu.ts'
import { needs, whyNotFound } from '../fixtures/needs.ts'
import { type Listener, listen, makeFifos, openShim, optionsOf } from '../fixtures/shim.ts'
import { until } from '../fixtures/until.ts'
import { openWorld, type World } from '../fixtures/world.ts'

const skip = needs('busybox', 'python3')
const worlds = new Map<IdentityName, { world: World; events: Listener }>()

async function room(name: IdentityName): Promise<{ world: World; events: Listener }> {
  const found = worlds.get(name)
  if (found) {
    found.events.told.length = 0
    return found
  }
  const world = await openWorld(name)
  const made = { world, events: await listen(world) }
  worlds.set(name, made)
  return made
}

after(async () => {
  for (const { events } of worlds.values()) await events[Symbol.asyncDispose]()
  for (const { world } of worlds.values()) await world[Symbol.asyncDispose]()
})

type Play = (parts: { world: World; events: Listener }) => Promise<void>
const testAs = (names: readonly IdentityName[], title: string, play: Play) => {
  for (const name of names)
    test(`shim, ${name}: ${title}`, { skip: skip ?? whyNot(name) }, async () => play(await room(name)))
}

/** JSON of a process, as containerd hands it over. */
const processSpec = (...args: string[]) => ({
  typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Process',
  value: new TextEncoder().encode(
    JSON.stringify({ user: { uid: 0, gid: 0 }, args, env: ['PATH=/bin'], cwd: '/', terminal: false }),
  ),
})

const statusOf = (status: number) => taskStatuses[status]

testAs(['root', 'ranges'], 'a life from create to delete, and what is told of it', async ({ world, events }) => {
  await using shim = await openShim(world, { args: ['sh', '-c', 'read word; echo out $word; echo err >&2; exit 3'] })
  const [stdin = '', stdout = '', stderr = ''] = makeFifos(world, 'in', 'out', 'err')
  const shown = [text(createReadStream(stdout)), text(createReadStream(stderr))]
  const { pid } = await shim.create({ stdin, stdout, stderr })
  const created = await shim.call('State')
  assert.deepEqual([statusOf(created.status), created.pid, created.stdout], ['created', pid, stdout])
  await shim.call('Start')
  assert.equal(statusOf((await shim.call('State')).status), 'running')
  const waited = shim.call('Wait')
  createWriteStream(stdin).end('typed\n')
  assert.equal((await waited).exitStatus, 3)
  assert.deepEqual(await Promise.all(shown), ['out typed\n', 'err\n'])
  assert.equal((await shim.call('Wait')).exitStatus, 3)
  const deleted = await shim.call('Delete')
  assert.deepEqual([deleted.exitStatus, deleted.pid], [3, pid])
  await shim.refused('Delete', 'notFound')
  await until('all is told', () => events.told.length === 4)
  assert.deepEqual(events.topics(), ['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete'])
  const [create, start, exit, gone] = events.told.map(({ event }) => event)
  assert.deepEqual([create?.containerId, create?.pid, create?.bundle], [shim.id, pid, shim.bundle.path])
  assert.deepEqual([start?.pid, exit?.pid, exit?.id, exit?.exitStatus], [pid, pid, shim.id, 3])
  assert.deepEqual([gone?.exitStatus, gone?.exitedAt], [3, exit?.exitedAt])
})

testAs(['root'], 'stdin is open until its client and CloseIO have closed it', async ({ world }) => {
  await using shim = await openShim(world, { args: ['cat'] })
  const [stdin = '', stdout = ''] = makeFifos(world, 'in', 'out')
  const shown = text(createReadStream(stdout))
  await shim.create({ stdin, stdout })
  await shim.call('Start')
  for (const word of ['one', 'two']) {
    const client = createWriteStream(stdin)
    const closed = once(client, 'close')
    client.end(`${word}\n`)
    await closed
  }
  assert.equal(statusOf((await shim.call('State')).status), 'running')
  await shim.call('CloseIO', { stdin: true })
  await shim.call('Wait')
  assert.equal(await shown, 'one\ntwo\n')
  await shim.call('Delete')
})

testAs(['root', 'ranges'], 'execs: output, status, their ends before that of init', async ({ world, events }) => {
  await using shim = await openShim(world, { args: ['sleep', '1000'] })
  await shim.create()
  await shim.call('Start')
  const [stdout = ''] = makeFifos(world, 'out')
  const shown = text(createReadStream(stdout))
  // The name of init's own pid file.
  await shim.call('Exec', { execId: 'init', stdout, spec: processSpec('sh', '-c', 'echo hello; exit 5') })
  await shim.refused('Exec', 'alreadyExists', { execId: 'init', spec: processSpec('true') })
  await shim.refused('Exec', 'invalidArgument', { execId: '../x', spec: processSpec('true') })
  await shim.refused('Exec', 'invalidArgument', { execId: 'x', spec: { typeUrl: '', value: Buffer.from('{"args":') } })
  const { pid } = await shim.call('Start', { execId: 'init' })
  assert.ok(pid > 0)
  assert.equal((await shim.call('Wait', { execId: 'init' })).exitStatus, 5)
  assert.equal(await shown, 'hello\n')
  assert.equal((await shim.call('Delete', { execId: 'init' })).exitStatus, 5)
  await shim.refused('State', 'notFound', { execId: 'init' })

  await shim.call('Exec', { execId: 'missing', spec: processSpec('no-such-program') })
  assert.match(await shim.refused('Start', 'unknown', { execId: 'missing' }), /OCI runtime exec failed: .*not found/)
  assert.equal((await shim.call('Wait', { execId: 'missing' })).exitStatus, 255)
  await shim.call('Delete', { execId: 'missing' })

  await shim.call('Exec', { execId: 'long', spec: processSpec('sleep', '1000') })
  const long = await shim.call('Start', { execId: 'long' })
  const { processes } = await shim.call('Pids')
  const listed = processes.find((one) => one.pid === long.pid)
  assert.equal(listed?.info && processDetails.decode(listed.info.value).execId, 'long')
  await shim.refused('Delete', 'failedPrecondition')
  await shim.refused('Start', 'failedPrecondition')
  await shim.call('Kill', { signal: 9 })
  assert.equal((await shim.call('Wait')).exitStatus, 137)
  await shim.refused('Kill', 'notFound', { signal: 9 })
  await shim.refused('Exec', 'failedPrecondition', { execId: 'late', spec: processSpec('true') })
  await shim.call('Delete')
  await until('all is told', () => events.topics().includes('/tasks/delete'))
  const told = events.told.filter(({ topic }) => topic === '/tasks/exit').map(({ event }) => event.id)
  assert.deepEqual(told, ['init', 'long', shim.id])
})

testAs(['root', 'ranges'], 'a terminal, its size, and a program that lets go of it', async ({ world }) => {
  const script = 'exec 3<&0; tty; read x; stty size; exec <&- >&- 2>&- 3<&-; sleep 0.3; exec >/dev/tty; echo again'
  await using shim = await openShim(world, {
    args: ['sh', '-c', script],
    patch: (config) => {
      config.process.terminal = true
    },
  })
  const [stdin = '', stdout = ''] = makeFifos(world, 'in', 'out')
  const shown = text(createReadStream(stdout))
  await shim.create({ stdin, stdout, terminal: true })
  await shim.call('Start')
  await shim.call('ResizePty', { width: 91, height: 17 })
  createWriteStream(stdin).write('\n')
  await shim.call('Wait')
  assert.match(await shown, /\/dev\/pts\/0[\s\S]*17 91[\s\S]*again/)
  await shim.call('Delete')
})

testAs(['root'], 'output to a file and to a logging program', async ({ world }) => {
  const { home } = world.identity
  const args = ['sh', '-c', 'echo out; echo err >&2']
  await using shim = await openShim(world, { args })
  const file = `file://${home}/deep/a%20b.log`
  await shim.create({ stdout: file, stderr: file })
  await shim.call('Start')
  await shim.call('Wait')
  await shim.call('Delete')
  assert.deepEqual(readFileSync(join(home, 'deep/a b.log'), 'utf8').split('\n').sort(), ['', 'err', 'out'])

  const logger = world.file(
    'logger.sh',
    `#!/bin/sh\nexec 5>&-\n{ echo "$CONTAINER_ID $CONTAINER_NAMESPACE $*"; cat <&3; cat <&4; } >${home}/logged\n`,
    0o755,
  )
  const uri = `binary://${logger}?key=a%20value`
  await shim.create({ stdout: uri, stderr: uri })
  await shim.call('Start')
  await shim.call('Wait')
  await shim.call('Delete')
  assert.equal(readFileSync(join(home, 'logged'), 'utf8'), `${shim.id} shim-test key a value\nout\nerr\n`)
  const broken = `binary://${world.file('broken.sh', 'no program', 0o644)}`
  assert.match(
    await shim.refused('Create', 'unknown', { bundle: shim.bundle.path, stdout: broken, options: optionsOf(world) }),
    /Permission denied/,
  )
  await shim.refused('Create', 'unknown', { bundle: shim.bundle.path, stdout: 'gopher://x' })
})

testAs(['root'], 'a group has one shim', async ({ world }) => {
  const annotations = { 'io.kubernetes.cri.sandbox-id': 'pod' }
  const patch = (config: { annotations?: Record<string, string> }) => {
    config.annotations = annotations
  }
  const args = ['sleep', '1000']
  await using first = await openShim(world, { args, patch })
  {
    await using second = await openShim(world, { args, patch })
    assert.deepEqual([second.pid, second.address], [first.pid, first.address])
    await first.create()
    await second.create()
    await second.call('Start')
    await first.call('Start')
    await first.call('Kill', { signal: 9 })
    await first.call('Wait')
    await first.call('Delete')
    await first.call('Shutdown')
    assert.equal(statusOf((await second.call('State')).status), 'running')
    await second.call('Kill', { signal: 15 })
    await second.call('Kill', { signal: 9 })
    await second.call('Wait')
    await second.call('Delete')
  }
})

testAs(['root'], 'what happens while containerd is away is told when it comes again', async ({ world, events }) => {
  await using shim = await openShim(world, { args: ['sleep', '1000'] })
  await shim.create()
  await until('the creation is told', () => events.told.length === 1)
  await events.die()
  await shim.call('Start')
  await shim.call('Kill', { signal: 9 })
  await shim.call('Wait')
  assert.deepEqual(events.topics(), ['/tasks/create'])
  await events.live()
  await until('the exit is told', () => events.told.length === 3)
  // More often than a refusal would be borne.
  events.beFull(7)
  await shim.call('Delete')
  await until('all is told', () => events.told.length === 4)
  assert.deepEqual(events.topics(), ['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete'])
})

testAs(['root'], 'a container that was never started is deleted, its exit told first', async ({ world, events }) => {
  await using shim = await openShim(world)
  await shim.create()
  await shim.call('Delete')
  await until('all is told', () => events.told.length === 3)
  assert.deepEqual(events.topics(), ['/tasks/create', '/tasks/exit', '/tasks/delete'])
})

test('shim, root: a checkpoint, and a container that begins with it', { skip: skip ?? whyNoCriu() }, async () => {
  const { world, events } = await room('root')
  const image = join(world.identity.home, 'image')
  const args = ['sh', '-c', 'i=0; while :; do i=$((i + 1)); echo $i >/count; usleep 50000; done']
  await using shim = await openShim(world, { args })
  const count = () => Number(readFileSync(join(shim.bundle.path, 'rootfs/count'), 'utf8'))
  await shim.create()
  await shim.call('Start')
  await until('it counts', () => existsSync(join(shim.bundle.path, 'rootfs/count')) && count() > 2)
  const options = { typeUrl: CHECKPOINT_OPTIONS, value: checkpointOptions.encode({ exit: true }) }
  await shim.call('Checkpoint', { path: image, options })
  assert.equal((await shim.call('Wait')).exitStatus, 137)
  await shim.call('Delete')
  const before = count()
  const { pid } = await shim.create({ checkpoint: image })
  assert.equal(pid, 0)
  await shim.refused('Exec', 'failedPrecondition', { execId: 'early', spec: processSpec('true') })
  assert.ok((await shim.call('Start')).pid > 0)
  await until('it goes on counting', () => count() > before)
  await shim.call('Kill', { signal: 9 })
  await shim.call('Wait')
  await shim.call('Delete')
  await until('all is told', () => events.topics().filter((topic) => topic === '/tasks/delete').length === 2)
  assert.equal(events.topics()[2], '/tasks/checkpointed')
})

testAs(['root'], 'where containerd takes no events over ttrpc, its program brings them', async ({ world }) => {
  const seen = join(world.identity.home, 'published')
  const publisher = world.file('publish.sh', `#!/bin/sh\necho "$*" >>${seen}; exec cat >${seen}.last\n`, 0o755)
  await using shim = await openShim(world, { publisher })
  await shim.create()
  await shim.call('Start')
  await shim.call('Wait')
  await shim.call('Delete')
  const told = () => (existsSync(seen) ? readFileSync(seen, 'utf8').trim().split('\n') : [])
  await until('all is told', () => told().length === 4)
  const topics = told().map((line) => /^--address \S+ publish --topic (\S+) --namespace shim-test$/.exec(line)?.[1])
  assert.deepEqual(topics, ['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete'])
  const last = () => readFileSync(`${seen}.last`, 'latin1')
  await until('the event has come whole', () => last().includes('containerd.events.TaskDelete'))
})

test('shim, root: another runtime is driven, by its name', {
  skip: skip ?? whyNot('root') ?? whyNotFound('runc', 'runc'),
}, async () => {
  const { world } = await room('root')
  const args = ['sh', '-c', 'echo from $0; exit 6']
  await using shim = await openShim(world, { args })
  const [stdout = ''] = makeFifos(world, 'out')
  const shown = text(createReadStream(stdout))
  await shim.create({ stdout, options: optionsOf(world, { binaryName: 'runc' }) })
  const log = await shim.refused('Create', 'alreadyExists', { bundle: shim.bundle.path })
  assert.match(log, /exists/)
  await shim.call('Start')
  assert.equal((await shim.call('Wait')).exitStatus, 6)
  assert.equal(await shown, 'from sh\n')
  await shim.call('Delete')
})

testAs(['root'], 'limits are changed and told, and nothing begins in a paused container', async ({ world, events }) => {
  await using shim = await openShim(world, { args: ['sleep', '1000'] })
  await shim.create()
  await shim.refused('Pause', 'failedPrecondition')
  await shim.call('Start')
  const resources = { typeUrl: OCI_RESOURCES, value: Buffer.from('{"pids":{"limit":77}}') }
  await shim.call('Update', { resources })
  const { stats } = await shim.call('Stats')
  const table = stats?.typeUrl === CGROUP1_METRICS ? cgroup1Metrics : cgroup2Metrics
  const { pids } = table.decode(stats?.value ?? new Uint8Array())
  assert.deepEqual([pids?.current, pids?.limit], [1, 77])
  await shim.refused('Update', 'unknown', { resources: { typeUrl: OCI_RESOURCES, value: Buffer.from('{"pids":') } })

  await shim.call('Exec', { execId: 'early', spec: processSpec('true') })
  await shim.call('Pause')
  assert.equal(statusOf((await shim.call('State')).status), 'paused')
  await shim.refused('Start', 'failedPrecondition', { execId: 'early' })
  await shim.refused('Exec', 'failedPrecondition', { execId: 'late', spec: processSpec('true') })
  await shim.refused('Delete', 'failedPrecondition')
  await shim.call('Kill', { signal: 9 })
  assert.equal((await shim.call('Wait')).exitStatus, 137)
  await shim.call('Delete')
  await until('all is told', () => events.topics().includes('/tasks/delete'))
  const wanted = ['create', 'start', 'exec-added', 'paused', 'exit', 'delete'].map((name) => `/tasks/${name}`)
  assert.deepEqual(events.topics(), wanted)
})
