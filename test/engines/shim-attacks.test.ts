// Needs root and a static busybox. What a shim is told that is wrong, and what dies beside it.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createReadStream, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { taskMethods } from '../../src/tasks/protobuf/task.ts'
import { whyNot } from '../fixtures/as.ts'
import { entries, needs } from '../fixtures/needs.ts'
import {
  act,
  deleteDead,
  isAlive,
  type Listener,
  listen,
  makeFifos,
  openShim,
  optionsOf,
  start,
} from '../fixtures/shim.ts'
import { mountsBelow } from '../fixtures/sweep.ts'
import { until } from '../fixtures/until.ts'
import { openWorld, succeeded, type World } from '../fixtures/world.ts'

const skip = needs('busybox') ?? whyNot('root')
const world = skip === undefined ? await openWorld('root') : undefined
const events = world && (await listen(world))
after(async () => {
  await events?.[Symbol.asyncDispose]()
  await world?.[Symbol.asyncDispose]()
})

const attack = (title: string, play: (world: World, events: Listener) => Promise<void>) =>
  test(`shim: ${title}`, { skip }, async () => {
    if (world && events) await play(world, events)
  })

const frame = (size: number, stream: number, type: number, data: Uint8Array | string = '') => {
  const head = Buffer.alloc(10)
  head.writeUInt32BE(size, 0)
  head.writeUInt32BE(stream, 4)
  head[8] = type
  return Buffer.concat([head, Buffer.from(data)])
}

/** Sends bytes, and returns what comes back within a moment of the end of our sending, or until it hangs up. */
async function speak(path: string, ...pieces: Uint8Array[]): Promise<Buffer> {
  const socket = connect(path)
  const got: Buffer[] = []
  socket.on('data', (chunk) => got.push(chunk))
  socket.on('error', () => {})
  for (const piece of pieces) if (!socket.write(piece)) await new Promise((done) => socket.once('drain', done))
  await sleep(200)
  socket.destroy()
  return Buffer.concat(got)
}

const hangUp = (path: string) => new Promise<void>((done) => connect(path).end(() => done()))

const residentKiB = (pid: number) =>
  Number(/^Rss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1])

attack('frames that are none, too large, half or of an unknown service', async (world) => {
  await using shim = await openShim(world)
  const { door } = shim
  const call = Buffer.from([10, 1, 120, 18, 1, 121]) // service x, method y
  assert.match((await speak(door, frame(6, 1, 1, call))).toString(), /service x/)
  assert.match((await speak(door, frame(6, 2, 1, call))).toString(), /StreamID must be odd/)
  assert.match((await speak(door, frame(3, 1, 1, 'abc'))).toString(), /no ttrpc request/)
  assert.equal((await speak(door, frame(6, 1, 2, call), frame(0, 1, 3), frame(0, 1, 255))).length, 0)
  const huge = await speak(door, frame(5 << 20, 1, 1), Buffer.alloc(5 << 20), frame(6, 3, 1, call))
  assert.match(huge.toString('latin1'), /exceeds maximum message size[\s\S]*service x/)
  await speak(door, frame(0xffffffff, 1, 1), Buffer.alloc(1 << 20, 0xff))
  await speak(door, frame(100, 1, 1, 'half'))
  await speak(door, Buffer.alloc(7, 1))
  for (let i = 0; i < 50; i++) await Promise.all([shim.call('Connect'), hangUp(door)])
  const strange = { service: 'containerd.task.v2.Task', name: 'Dance', ...taskMethods.State }
  await assert.rejects(shim.client.call(strange as never, { id: 'x' } as never), /method Dance/)
  await shim.refused('State', 'notFound')
  await shim.refused('Create', 'invalidArgument', { id: '../../x', bundle: '/x' })
  await shim.refused('Create', 'invalidArgument', { bundle: 'relative' })
  await shim.refused('Create', 'invalidArgument', {
    bundle: '/x',
    options: { typeUrl: 'x.Y', value: Buffer.from('z') },
  })
  assert.match(await shim.refused('Create', 'unknown', { bundle: '/nonexistent' }), /bundle/)
})

attack('thousands of calls at once, and a client that does not listen', async (world) => {
  await using shim = await openShim(world, { args: ['sleep', '1000'] })
  await shim.create()
  await shim.call('Start')
  const many = <T>(count: number, make: () => Promise<T>) => Promise.allSettled(Array.from({ length: count }, make))
  const waits = many(3000, () => shim.call('Wait'))
  const others = await Promise.all([
    many(3000, () => shim.call('State')),
    many(1000, () => shim.call('Resume')), // refused: it is running
    many(4, () => shim.call('Pids')),
  ])
  const count = (results: PromiseSettledResult<unknown>[]) =>
    results.filter(({ status }) => status === 'fulfilled').length
  assert.deepEqual(others.map(count), [3000, 0, 4])
  const deaf = connect(shim.door).on('error', () => {})
  deaf.pause()
  const state = Buffer.from([10, 23, ...Buffer.from('containerd.task.v2.Task'), 18, 5, ...Buffer.from('State')])
  const flood = Buffer.concat(Array.from({ length: 2000 }, () => frame(state.length, 1, 1, state)))
  for (let i = 0; i < 60; i++) deaf.write(flood)
  await shim.call('State')
  await sleep(200)
  assert.ok(residentKiB(shim.pid) < 8192, `${residentKiB(shim.pid)} KiB`)
  deaf.destroy()
  await shim.call('Kill', { signal: 9 })
  assert.equal(count(await waits), 3000)
  await shim.call('Delete')
})

attack('a reader that does not read slows its container down, and nothing is lost or kept', async (world) => {
  await using shim = await openShim(world, { args: ['sh', '-c', 'yes 0123456789 | head -c 4000000'] })
  const [stdout = ''] = makeFifos(world, 'out')
  await shim.create({ stdout })
  await shim.call('Start')
  await sleep(500)
  assert.ok(residentKiB(shim.pid) < 2048, `${residentKiB(shim.pid)} KiB`)
  assert.equal((await shim.call('State')).exitStatus, 0)
  rmSync(stdout) // what is open is still there
  await shim.call('Kill', { signal: 9 })
  await shim.call('Wait')
  await shim.call('Delete')
})

attack('output of megabytes arrives whole', async (world) => {
  await using shim = await openShim(world, { args: ['sh', '-c', 'yes 0123456789 | head -c 4000000'] })
  const [stdout = ''] = makeFifos(world, 'out')
  await shim.create({ stdout })
  await shim.call('Start')
  await sleep(100)
  let size = 0
  for await (const chunk of createReadStream(stdout)) size += (chunk as Buffer).length
  assert.equal(size, 4_000_000)
  await shim.call('Wait')
  await shim.call('Delete')
})

attack('a fifo or a runtime that is not there: nothing is made', async (world) => {
  await using shim = await openShim(world, { args: ['true'] })
  assert.match(await shim.refused('Create', 'unknown', { bundle: shim.bundle.path, stdout: '/no/such/fifo' }), /such/)
  await shim.refused('State', 'notFound')
  const options = optionsOf(world, { binaryName: '/no/such/runtime' })
  const message = await shim.refused('Create', 'unknown', { bundle: shim.bundle.path, options })
  assert.match(message, /OCI runtime create failed: .no.such.runtime: No such file/)
  assert.deepEqual(readdirSync(shim.bundle.path).sort(), ['address', 'config.json', 'rootfs'])
})

attack('a rootfs of mounts is made, and taken away again, also when the creation fails', async (world) => {
  await using shim = await openShim(world, { args: ['cat', '/marked'] })
  const lower = world.file('lower/marked', 'yes').replace('/marked', '')
  const [work, upper] = ['work/x', 'upper/x'].map((name) => join(world.file(name, ''), '..'))
  const overlay = (...more: string[]) => ({
    type: 'overlay',
    source: 'overlay',
    target: '',
    options: [`lowerdir=${lower}:${shim.bundle.path}/rootfs`, `upperdir=${upper}`, `workdir=${work}`, ...more],
  })
  const path = shim.bundle.path
  rmSync(join(upper ?? '', 'x'))
  const failed = await shim.refused('Create', 'unknown', { bundle: path, rootfs: [overlay('nonsense')] })
  assert.match(failed, /failed to mount rootfs component 0/)
  const second = { type: 'bind', source: '/no/such', target: '', options: ['rbind', 'ro'] }
  await shim.refused('Create', 'unknown', { bundle: path, rootfs: [overlay(), second] })
  // the kernel takes a page and cuts the rest: a tmpfs would lose the option that stands last
  for (const size of [5_000, 70_000]) {
    const long = { type: 'tmpfs', source: 'tmpfs', target: '', options: [`size=${'0'.repeat(size)}4096`, 'mode=0700'] }
    assert.match(
      await shim.refused('Create', 'unknown', { bundle: path, rootfs: [long] }),
      /failed to mount rootfs component 0 .*: Argument list too long/,
    )
  }
  assert.deepEqual(mountsBelow(path), [])
  const [stdout = ''] = makeFifos(world, 'out')
  const stream = createReadStream(stdout, 'utf8')
  await shim.create({ rootfs: [overlay()], stdout })
  await shim.call('Start')
  await shim.call('Wait')
  assert.equal(String((await stream.toArray()).join('')), 'yes')
  await shim.call('Delete')
  assert.deepEqual(mountsBelow(path), [])
})

attack('the shim is killed: delete leaves no process, mount, socket or state', async (world, events) => {
  events.told.length = 0
  const shim = await openShim(world, { args: ['sh', '-c', 'sleep 1000 & exec sleep 1000'] })
  const bound = { type: 'bind', source: join(shim.bundle.path, 'rootfs'), target: '', options: ['rbind'] }
  const { pid } = await shim.create({ rootfs: [bound] })
  await shim.call('Start')
  process.kill(shim.pid, 'SIGKILL')
  await shim.client.closed
  assert.ok(isAlive(pid))
  const told = await deleteDead(world, shim.bundle, shim.id)
  assert.deepEqual([told.pid, told.exitStatus], [pid, 137])
  await until('init is gone', () => !isAlive(pid))
  assert.deepEqual(mountsBelow(shim.bundle.path), [])
  assert.equal(existsSync(shim.address.replace('unix://', '')), false)
  assert.deepEqual(readdirSync(join(world.state, 'shim-test')), [])
  await deleteDead(world, shim.bundle, shim.id)
  await shim[Symbol.asyncDispose]()
})

attack('a killed creation leaves nothing that delete does not take away', async (world) => {
  for (const milliseconds of [30, 150, 250]) {
    const shim = await openShim(world, { args: ['sleep', '1000'] })
    const created = shim.create().catch(() => undefined)
    await sleep(milliseconds)
    process.kill(shim.pid, 'SIGKILL')
    await created
    await deleteDead(world, shim.bundle, shim.id)
    await until('nothing is left', () => entries(join(world.state, 'shim-test')).length === 0)
    await shim[Symbol.asyncDispose]()
  }
})

attack('an address that somebody else has is refused, a stale one is taken', async (world) => {
  const shim = await openShim(world)
  const path = shim.address.replace('unix://', '')
  process.kill(shim.pid, 'SIGKILL')
  await shim.client.closed
  assert.ok(existsSync(path))
  const second = await openShim(world, { id: shim.id })
  assert.equal(second.address, shim.address)
  assert.notEqual(second.pid, shim.pid)
  assert.equal(succeeded(await start(world, shim.bundle, shim.id)), shim.address)
  await second[Symbol.asyncDispose]()

  const mute = createServer((socket) => socket.on('error', () => {}).resume()).listen(path)
  await new Promise((done) => mute.once('listening', done))
  const answered = await start(world, shim.bundle, shim.id)
  assert.deepEqual([answered.status, answered.stdout], [1, ''])
  assert.match(answered.stderr, /listens on the address of the shim, and is none/)
  await new Promise((done) => mute.close(done))
  writeFileSync(path, '')
  assert.match((await start(world, shim.bundle, shim.id)).stderr, /is no socket of ours/)
  rmSync(path)
})

attack('arguments that no containerd gives', async (world) => {
  const bundle = await world.bundle()
  const wrong = async (...args: string[]) => {
    const { status, stderr, stdout } = await act(world, bundle, ...args)
    assert.deepEqual([status, stdout], [1, ''], stderr)
    return stderr
  }
  assert.match(await wrong('start'), /namespace/)
  assert.match(await wrong('-namespace', 'a', '-id', '../b', 'start'), /does not allow/)
  assert.match(await wrong('-namespace', 'a', '-id', 'b', 'dance'), /dance/)
  assert.match(await wrong('-namespace', 'a', '-id'), /-id/)
  assert.match(await wrong('-namespace', 'a', '-id', 'b'), /no socket/)
  writeFileSync(join(bundle.path, 'config.json'), '{"annotations":')
  assert.match(await wrong('-namespace', 'a', '-id', 'b', 'start'), /no JSON/)
  rmSync(join(bundle.path, 'config.json'))
  assert.match(await wrong('-namespace', 'a', '-id', 'b', 'start'), /cannot read config.json/)
  assert.match(succeeded(await act(world, bundle, '-v')), /Version/)
  assert.match(succeeded(await act(world, bundle, '-info')), /io\.containerd\.usnea\.v2[\s\S]*features\/Features/)
})

attack('no other user can connect', async (world) => {
  await using shim = await openShim(world)
  const words = `require('net').connect(${JSON.stringify(shim.address.slice(7))}).on('error', (e) => console.log(e.code))`
  const shown = execFileSync(process.execPath, ['-e', words], { uid: 65534, gid: 65534, encoding: 'utf8', cwd: '/' })
  assert.equal(shown.trim(), 'EACCES')
})
