// Needs root, containerd with ctr and its shim, runc, a static busybox and python3.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { whyNot } from '../fixtures/as.ts'
import { type Hands, openContainerd } from '../fixtures/containerd.ts'
import { imageName } from '../fixtures/image.ts'
import { needs } from '../fixtures/needs.ts'
import { makeRootfs } from '../fixtures/rootfs.ts'
import { until } from '../fixtures/until.ts'

const skip = needs('containerd', 'ctr', 'busybox', 'python3') ?? whyNot('root')
const containerd = skip === undefined ? await openContainerd() : undefined
after(() => containerd?.[Symbol.asyncDispose]())

const testBoth = (title: string, play: (hands: Hands) => Promise<void>) =>
  test(`containerd: ${title}`, { skip: skip ?? containerd?.unable }, () => containerd?.play(play))

const isStatus = (hands: Hands, name: string, status: string) =>
  until(`${name} is ${status}`, async () => (await hands.statusOf(name)) === status)

testBoth('a container runs: streams, status, what it sees', async (hands) => {
  const run = (options: readonly string[], ...command: string[]) =>
    hands.call([...hands.run('--rm', ...options), imageName, hands.name('seen'), ...command])
  const streams = await run([], 'sh', '-c', 'echo out; echo err >&2; exit 3')
  assert.deepEqual([streams.status, streams.stdout], [3, 'out\n'])
  const fed = await hands.call([...hands.run('--rm'), imageName, hands.name('fed'), 'head', '-n', '1'], {
    input: 'typed\n',
  })
  assert.deepEqual([fed.status, fed.stdout], [0, 'typed\n'])
  const look =
    'id; pwd; env | sort; ls /dev; grep -E "^(Cap|NoNew|Seccomp:)" /proc/self/status; cat /proc/self/oom_score_adj'
  assert.equal((await run([], 'sh', '-c', look)).status, 0)
  const changed = ['--cwd', '/var', '--env', 'EXTRA=yes', '--read-only', '--net-host']
  assert.match((await run(changed, 'sh', '-c', `${look}; touch /x`)).stdout, /^uid=0.*\n\/var\nEXTRA=yes\n/)
  const mounts = [
    '--mount',
    `type=bind,src=${hands.world.identity.home},dst=/mnt,options=rbind:ro`,
    '--privileged',
    '--seccomp',
  ]
  assert.equal(
    (await run(mounts, 'sh', '-c', 'touch /mnt/x; mkdir /tmp/t; mount -t tmpfs t /tmp/t; echo $?')).stdout,
    '0\n',
  )
})

testBoth('a container on a terminal', async (hands) => {
  const script = 'tty; read line; echo "got $line"; exit 4'
  const args = [...hands.run('--rm', '--tty'), imageName, hands.name('terminal'), 'sh', '-c', script]
  const status = await hands.onTerminal(args, async (terminal) => {
    await terminal.shows('/dev/pts/0')
    terminal.write('words\n')
    await terminal.shows('got words')
  })
  assert.equal(status, 4)
})

const exec = (hands: Hands, id: string, ...rest: string[]) => [
  ...['tasks', 'exec', '--fifo-dir', `${hands.world.identity.home}/fifo`, '--exec-id', id],
  ...rest,
]

testBoth('a detached task is listed, entered, killed and deleted', async (hands) => {
  const name = hands.name('life')
  await hands.done([...hands.run('--detach'), imageName, name, 'sleep', '1000'])
  assert.equal(await hands.statusOf(name), 'RUNNING')
  const streams = await hands.call(exec(hands, 'one', name, 'sh', '-c', 'echo out; echo err >&2; exit 5'))
  assert.deepEqual([streams.status, streams.stdout], [5, 'out\n'])
  await hands.done(exec(hands, 'two', '--user', '1000:8', '--cwd', '/var', name, 'sh', '-c', 'id; pwd'))
  const status = await hands.onTerminal(
    exec(hands, 'three', '--tty', name, 'sh', '-c', 'tty; read line; exit 6'),
    async (terminal) => {
      await terminal.shows(/\/dev\/pts\/\d/)
      terminal.write('\n')
    },
  )
  assert.equal(status, 6)
  assert.notEqual((await hands.call(exec(hands, 'four', name, 'no-such-program'))).status, 0)
  await hands.done(['tasks', 'ps', name])
  assert.notEqual((await hands.call(['tasks', 'delete', name])).status, 0)
  await hands.done(['tasks', 'kill', '--signal', 'SIGKILL', name])
  await isStatus(hands, name, 'STOPPED')
  assert.notEqual((await hands.call(['tasks', 'kill', name])).status, 0)
  // ctr returns the status of the task.
  assert.equal((await hands.call(['tasks', 'delete', name])).status, 0)
  assert.equal(await hands.statusOf(name), undefined)
  await hands.done(['containers', 'delete', name])
})

testBoth('a task is paused, refuses exec, and goes on', async (hands) => {
  const name = hands.name('frozen')
  await hands.done([...hands.run('--detach'), imageName, name, 'sleep', '1000'])
  await hands.done(['tasks', 'pause', name])
  assert.equal(await hands.statusOf(name), 'PAUSED')
  assert.notEqual((await hands.call(exec(hands, 'early', name, 'true'))).status, 0)
  await hands.done(['tasks', 'resume', name])
  assert.equal(await hands.statusOf(name), 'RUNNING')
  await hands.done(exec(hands, 'late', name, 'true'))
  await hands.call(['tasks', 'delete', '--force', name])
  await hands.done(['containers', 'delete', name])
})

testBoth('a task ends by a signal, and another is deleted by force', async (hands) => {
  const name = hands.name('later')
  await hands.done([
    ...hands.run('--detach'),
    imageName,
    name,
    'sh',
    '-c',
    'trap "exit 7" TERM; while :; do sleep 0.1; done',
  ])
  await hands.done(['tasks', 'kill', '--signal', 'SIGTERM', name])
  await isStatus(hands, name, 'STOPPED')
  await hands.call(['tasks', 'delete', name])
  await hands.call(['containers', 'delete', name])
  const other = hands.name('forced')
  await hands.done([...hands.run('--detach'), imageName, other, 'sleep', '1000'])
  await hands.call(['tasks', 'delete', '--force', other])
  assert.equal(await hands.statusOf(other), undefined)
  await hands.done(['containers', 'delete', other])
})

testBoth('programs that cannot be run, and a root file system without an image', async (hands) => {
  for (const program of ['no-such-program', '/no/such/program', '/etc/no-program', '/etc']) {
    assert.equal((await hands.call([...hands.run('--rm'), imageName, hands.name('hollow'), program])).status, 1)
    assert.equal(await hands.statusOf(hands.name('hollow')), undefined)
  }
  const rootfs = `${hands.world.identity.home}/${hands.name('root')}`
  await makeRootfs('busybox', rootfs, hands.world.identity)
  const args = [...hands.run('--rm', '--rootfs'), rootfs, hands.name('bare'), '/bin/cat', '/etc/group']
  assert.match(await hands.done(args), /^root:/)
})
