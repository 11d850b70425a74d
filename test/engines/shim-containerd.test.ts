// Needs root, containerd with ctr, a static busybox and python3. Our shim under containerd: --runtime io.containerd.usnea.v2.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { whyNot } from '../fixtures/as.ts'
import { ctrOf, keepOrder, namespace, startContainerd, tidy } from '../fixtures/containerd.ts'
import { whyNoCriu } from '../fixtures/criu.ts'
import { imageArchive, imageName } from '../fixtures/image.ts'
import { entries, needs } from '../fixtures/needs.ts'
import { isAlive } from '../fixtures/shim.ts'
import { mountsBelow } from '../fixtures/sweep.ts'
import { onTerminal } from '../fixtures/terminal.ts'
import { until } from '../fixtures/until.ts'
import { type Call, type CallOptions, openWorld, succeeded, type World } from '../fixtures/world.ts'

const skip = needs('containerd', 'ctr', 'busybox', 'python3') ?? whyNot('root')

interface Parts {
  readonly world: World
  readonly call: (args: readonly string[], options?: CallOptions) => ReturnType<World['run']>
  readonly done: (...args: string[]) => Promise<string>
  daemon: Call
  events: Call
}

async function open(): Promise<Parts> {
  const world = await openWorld('root')
  const call = (args: readonly string[], options?: CallOptions) =>
    world.run([...ctrOf(world.identity.home), ...args], options ?? {})
  const done = async (...args: string[]) => succeeded(await call(args))
  const daemon = await startContainerd(world)
  await done('images', 'import', await imageArchive())
  return { world, call, done, daemon, events: listen(world) }
}

const listen = (world: World) => {
  const call = world.start([...ctrOf(world.identity.home), 'events'], { timeout: 600_000 })
  call.ended.catch(() => {})
  return call
}

const leaveNothing = skip === undefined ? keepOrder() : undefined
const opened = skip === undefined ? await open() : undefined
after(async () => {
  if (!opened) return
  await tidy(opened.call)
  for (const { child, ended } of [opened.events, opened.daemon]) {
    child.kill('SIGTERM')
    await ended.catch(() => {})
  }
  assert.deepEqual(entries(join('/run/containerd/usnea', namespace)), [], 'containers that the runtime still knows')
  rmSync(join('/run/containerd/usnea', namespace), { recursive: true, force: true })
  leaveNothing?.()
  await opened.world[Symbol.asyncDispose]()
})

const play = (title: string, part: (parts: Parts) => Promise<void>) =>
  test(`containerd with our shim: ${title}`, { skip }, async () => {
    if (opened) await part(opened)
  })

const run = (...words: string[]) => ['run', '--runtime', 'io.containerd.usnea.v2', '--fifo-dir', fifos(), ...words]
const fifos = () => join(opened?.world.identity.home ?? '', 'fifo')
const topicsOf = ({ events }: Parts, name: string) =>
  events
    .output()
    .stdout.split('\n')
    .filter((line) => line.includes(`"container_id":"${name}"`))
    .map((line) => / (\/tasks\/\S+) /.exec(line)?.[1])

const rowOf = async ({ done }: Parts, name: string) => {
  const rows = (await done('tasks', 'list')).split('\n').map((row) => row.split(/\s+/))
  const [, pid, status] = rows.find(([found]) => found === name) ?? []
  return { pid: Number(pid), status }
}

const shimOf = ({ world }: Parts, name: string) => {
  const address = readFileSync(join(bundleOf(world, name), 'address'), 'utf8').replace('unix://', '')
  assert.ok(existsSync(address))
  return address
}
const bundleOf = (world: World, name: string) =>
  join(world.identity.home, 'tasks/io.containerd.runtime.v2.task', namespace, name)

play('a container runs, and its events come in order', async (parts) => {
  const outcome = await parts.call([...run('--rm', imageName, 'one'), 'sh', '-c', 'echo out; echo err >&2; exit 3'])
  assert.deepEqual([outcome.status, outcome.stdout], [3, 'out\n'])
  await until('the deletion is told', () => topicsOf(parts, 'one').includes('/tasks/delete'))
  assert.deepEqual(topicsOf(parts, 'one'), ['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete'])
})

play('a terminal', async (parts) => {
  const args = [...ctrOf(parts.world.identity.home), ...run('--rm', '--tty', imageName, 'two')]
  await using terminal = onTerminal(parts.world, [...args, 'sh', '-c', 'tty; read line; echo "got $line"; exit 4'])
  await terminal.shows('/dev/pts/0')
  terminal.write('words\n')
  await terminal.shows('got words')
  await until('ctr ended', () => terminal.status() !== undefined)
  assert.equal(terminal.status(), 4)
})

play('exec, pause, metrics, and a containerd that is killed and comes again', async (parts) => {
  const { call, done, world } = parts
  const exec = (id: string, ...words: string[]) =>
    call(['tasks', 'exec', '--fifo-dir', fifos(), '--exec-id', id, ...words])
  await done(...run('--detach', imageName, 'three', 'sleep', '1000'))
  const { pid } = await rowOf(parts, 'three')
  const first = await exec('a', 'three', 'sh', '-c', 'echo hi; exit 5')
  assert.deepEqual([first.status, first.stdout], [5, 'hi\n'])
  await done('tasks', 'pause', 'three')
  assert.equal((await rowOf(parts, 'three')).status, 'PAUSED')
  assert.match((await exec('b', 'three', 'true')).stderr, /paused/)
  parts.daemon.child.kill('SIGKILL')
  await parts.daemon.ended
  parts.daemon = await startContainerd(world)
  parts.events = listen(world)
  assert.deepEqual(await rowOf(parts, 'three'), { pid, status: 'PAUSED' })
  await done('tasks', 'resume', 'three')
  assert.match(await done('tasks', 'metrics', 'three'), /memory|pids/)
  assert.match(await done('tasks', 'ps', 'three'), new RegExp(`^${pid} `, 'm'))
  assert.equal((await exec('c', 'three', 'true')).status, 0)
  await until('ctr listens', () => topicsOf(parts, 'three').includes('/tasks/exec-started'))
  await done('tasks', 'kill', '--signal', 'SIGKILL', 'three')
  await until('it has stopped', async () => (await rowOf(parts, 'three')).status === 'STOPPED')
  assert.notEqual((await call(['tasks', 'kill', 'three'])).status, 0)
  await call(['tasks', 'delete', 'three'])
  await until('the deletion is told', () => topicsOf(parts, 'three').includes('/tasks/delete'))
  assert.deepEqual(topicsOf(parts, 'three').slice(-2), ['/tasks/exit', '/tasks/delete'])
  await done('containers', 'delete', 'three')
})

test('containerd with our shim: ctr saves a task, and another one goes on where it was', {
  skip: skip ?? whyNoCriu(),
}, async () => {
  const parts = opened as Parts
  const { done } = parts
  const saved = 'localhost/usnea-saved:1'
  /** What the program has written last: a word that only its memory has, and how far it has counted. */
  const look = async (name: string): Promise<[string, number]> => {
    const words = ['tasks', 'exec', '--fifo-dir', fifos(), '--exec-id', `look-${Date.now()}`, name, 'cat', '/count']
    const [word = '', count] = (await parts.call(words)).stdout.split(' ')
    return [word, Number(count)]
  }
  const counting =
    'word=$(cat /proc/sys/kernel/random/uuid) n=0; while :; do n=$((n+1)); echo $word $n >/new; mv /new /count; sleep 0.05; done'
  await done(...run('--detach', '--null-io', imageName, 'six', 'sh', '-c', counting))
  await until('it counts', async () => (await look('six'))[1] > 5)
  await done('containers', 'checkpoint', '--task', '--rw', '--image', 'six', saved)
  await until('that is told', () => topicsOf(parts, 'six').includes('/tasks/checkpointed'))
  const [word] = await look('six')
  await done('tasks', 'kill', '--signal', 'SIGKILL', 'six')
  await until('it has stopped', async () => (await rowOf(parts, 'six')).status === 'STOPPED')
  await parts.call(['tasks', 'delete', 'six'])
  await done('containers', 'delete', 'six')
  await done('containers', 'restore', '--live', '--rw', 'seven', saved)
  assert.equal((await rowOf(parts, 'seven')).status, 'RUNNING')
  const [, first] = await look('seven')
  await until('it counts on', async () => (await look('seven'))[1] > first)
  assert.equal((await look('seven'))[0], word)
  await done('tasks', 'kill', '--signal', 'SIGKILL', 'seven')
  await until('it has stopped', async () => (await rowOf(parts, 'seven')).status === 'STOPPED')
  await parts.call(['tasks', 'delete', 'seven'])
  await done('containers', 'delete', 'seven')
  await done('images', 'remove', '--sync', saved)
})

play('a shim that is killed: containerd has everything taken away', async (parts) => {
  const { done, world } = parts
  await done(...run('--detach', imageName, 'four', 'sleep', '1000'))
  const { pid } = await rowOf(parts, 'four')
  const socket = shimOf(parts, 'four')
  const shim = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  assert.match(readFileSync(`/proc/${shim}/cmdline`, 'utf8'), /containerd-shim-usnea-v2.*four/)
  process.kill(shim, 'SIGKILL')
  await until('the deletion is told', () => topicsOf(parts, 'four').includes('/tasks/delete'))
  assert.deepEqual(topicsOf(parts, 'four').slice(-2), ['/tasks/exit', '/tasks/delete'])
  assert.equal(isAlive(pid), false)
  assert.deepEqual(mountsBelow(bundleOf(world, 'four')), [])
  await until('the bundle is gone', () => !existsSync(bundleOf(world, 'four')))
  assert.equal(existsSync(socket), false)
  await done('containers', 'delete', 'four')
})

play('a container that takes too much memory: that is told before its end', async (parts) => {
  const outcome = await parts.call([
    ...run('--rm', '--memory-limit', '16777216', imageName, 'five'),
    'tail',
    '/dev/zero',
  ])
  assert.equal(outcome.status, 137)
  await until('the deletion is told', () => topicsOf(parts, 'five').includes('/tasks/delete'))
  const topics = topicsOf(parts, 'five')
  assert.deepEqual(topics, ['/tasks/create', '/tasks/start', '/tasks/oom', '/tasks/exit', '/tasks/delete'])
})
