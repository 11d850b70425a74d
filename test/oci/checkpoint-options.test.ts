// Needs a static busybox, root, gcc, and a criu that works on this kernel: what a checkpoint takes along when it is asked to, and not before.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { cgroupOf, cgroupOfProcess, removeCgroup, whyNoCgroup } from '../fixtures/cgroups.ts'
import { criuPath, holding, imageOf, stateOf, whyNoCriu, withCriu } from '../fixtures/criu.ts'
import { runtimePath } from '../fixtures/install.ts'
import { onTerminal } from '../fixtures/terminal.ts'
import { until } from '../fixtures/until.ts'
import { refused, succeeded } from '../fixtures/world.ts'

const skip = whyNoCriu()
const real = { as: ['root'], needs: ['gcc'], skip } as const

testAs(
  { ...real, needs: ['gcc', 'unshare'] },
  '--tcp-established keeps a connection whose other end stays',
  async (world) => {
    const image = imageOf(world)
    const script = 'busybox ip link set lo up; echo up; exec busybox nc -l -p 7001'
    const peer = world.start(['unshare', '--net', 'sh', '-c', script])
    try {
      await until('the peer is there', () => peer.output().stdout === 'up\n')
      const sockets = () =>
        ['tcp', 'tcp6'].map((file) => readFileSync(`/proc/${peer.pid}/net/${file}`, 'utf8')).join('')
      await until('the peer listens', () => sockets().includes(':1B59 '))
      const holder = await holding(world, ['connection', '7001'], (config) => {
        for (const namespace of config.linux.namespaces)
          if (namespace.type === 'network') namespace.path = `/proc/${peer.pid}/ns/net`
      })
      assert.equal(await holder.ask(), 'count 1 sent')
      refused(await holder.checkpoint(image), /Connected TCP socket.*fix: .*--tcp-established, at both ends/)
      succeeded(await holder.checkpoint(image, '--tcp-established', '--network-lock', 'nftables'))
      succeeded(await holder.restore(image, '--tcp-established', '--network-lock', 'nftables'))
      assert.equal(await holder.ask(), 'count 2 sent')
      await until('the peer has heard both', () => peer.output().stdout === 'up\ncount 1\ncount 2\n')
      succeeded(await world.usnea(['delete', '--force', holder.id]))
    } finally {
      peer.child.kill('SIGKILL')
      await peer.ended
    }
  },
)

/** Words that hold wherever neither AppArmor nor SELinux is on; where one is, test/vm looks. */
const lsmOptions = [
  [['--lsm-profile', 'apparmor'], /--lsm-profile apparmor is no TYPE:NAME/],
  [['--lsm-profile', 'smack:x'], /smack.*apparmor or selinux/],
] as const

const listen = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True: print(s.recv(100).decode(), end='', flush=True)
`

testAs(
  { ...real, needs: ['gcc', 'python3'] },
  'locks, removed names and outer sockets need a word each',
  async (world) => {
    const outside = join(world.identity.home, 'outer')
    const socket = join(outside, 'socket')
    mkdirSync(outside)
    const listener = world.start(['python3', '-c', listen, socket])
    await until('it listens', () => readdirSync(outside).includes('socket'))
    const things = [
      ['lock', '/root/it', '--file-locks', 'told'],
      ['removed', '/root/it', '--link-remap', 'unasked'],
      ['outer', socket, '--ext-unix-sk', 'unasked'],
    ] as const
    for (const [name, argument, option, without] of things) {
      const image = imageOf(world)
      const holder = await holding(world, [name, argument], (config) => {
        // criu knows the sockets of one network namespace, and connects to the name that the peer was bound to.
        if (name !== 'outer') return
        config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'network')
        config.mounts.push({ destination: outside, type: 'bind', source: outside, options: ['bind'] })
      })
      refused(await holder.checkpoint(image), new RegExp(`fix: to take .*along.*: ${option}`))
      succeeded(await holder.checkpoint(image, option))
      if (without === 'told') {
        const restored = await holder.restore(image)
        succeeded(restored)
        assert.match(restored.stderr, /^usnea: note: the file locks of the image are not held any more/)
        succeeded(await world.usnea(['delete', '--force', holder.id]))
      }
      succeeded(await holder.restore(image, ...(without === 'unasked' ? [] : [option])))
      assert.equal(await holder.ask(), 'count 1 sent')
      if (name === 'lock')
        assert.equal((await world.run(['flock', '-n', join(holder.bundle.rootfs, argument), 'true'])).status, 1, 'held')
      if (name === 'removed')
        assert.equal(readFileSync(join(holder.bundle.rootfs, 'root/it-other'), 'utf8'), 'count 1\n', 'the same file')
      succeeded(await world.usnea(['delete', '--force', holder.id]))
    }
    await until('the outer one has heard it', () => listener.output().stdout === 'count 1\n')
    listener.child.kill('SIGKILL')
    await listener.ended
  },
)

testAs(real, 'a connection that is being made can be left out, and one that is there closed', async (world) => {
  const image = imageOf(world)
  const holder = await holding(world, ['waiting', '7002'])
  assert.equal(await holder.ask(), 'count 1 sent')
  const options = ['--tcp-established', '--network-lock', 'skip']
  refused(await holder.checkpoint(image, ...options), /In-flight connection.*fix: .*--tcp-skip-in-flight/)
  succeeded(await holder.checkpoint(image, ...options, '--tcp-skip-in-flight'))
  refused(await holder.restore(image), /fix: .*--tcp-established; to close them: --tcp-close/)
  succeeded(await holder.restore(image, '--tcp-close'))
  assert.equal(await holder.ask(), 'count 2 Broken pipe')
  succeeded(await world.usnea(['delete', '--force', holder.id]))
})

testAs({ ...real, needs: ['gcc', 'python3'] }, '--shell-job takes along a terminal of somebody else', async (world) => {
  const [id, image] = [world.newId(), imageOf(world)]
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'echo ready; while read line; do echo "<$line>"; done; exit 5']
  })
  const call = `PATH=${criuPath(world.identity.env.PATH ?? '')} ${await runtimePath()} --root ${world.state}`
  await using first = onTerminal(world, ['sh', '-c', `${call} run --detach --bundle ${bundle.path} ${id}; sleep 100`])
  await first.shows('ready')
  first.write('one\n')
  await first.shows('<one>')
  const save = (...options: string[]) =>
    world.usnea(['checkpoint', ...options, '--image-path', image, id], withCriu(world))
  refused(await save(), /fix: .*--shell-job/)
  succeeded(await save('--shell-job'))
  first.close()
  await using second = onTerminal(world, [
    'sh',
    '-c',
    `${call} restore --detach --shell-job --image-path ${image} --bundle ${bundle.path} ${id}; sleep 100`,
  ])
  second.write('two\n')
  await second.shows('<two>')
  second.close()
  succeeded(await world.usnea(['delete', '--force', id]))
})

const cgroups = { ...real, skip: skip ?? whyNoCgroup('pids', 'memory') } as const

testAs(cgroups, 'limits stand again after a restore, whoever makes the cgroup', async (world) => {
  const image = imageOf(world)
  const holder = await holding(world, ['memory', '/dev/null'], (config) => {
    Object.assign(config.linux, { resources: { pids: { limit: 50 }, memory: { limit: 64 << 20 } } })
  })
  const limits = async () => {
    const { pid } = await stateOf(world, holder.id)
    const read = (controller: string, files: readonly string[]) => {
      const directory = cgroupOfProcess(pid, controller) ?? ''
      assert.equal(directory.split('/').at(-1), holder.id)
      const file = files.find((name) => existsSync(join(directory, name))) ?? ''
      return Number(readFileSync(join(directory, file), 'utf8'))
    }
    return [read('pids', ['pids.max']), read('memory', ['memory.limit_in_bytes', 'memory.max']) >> 20]
  }
  assert.deepEqual(await limits(), [50, 64])
  let count = 0
  for (const mode of ['ignore', 'soft', 'full', 'strict']) {
    succeeded(await world.usnea(['update', '--pids-limit', '77', holder.id]))
    const option = ['--manage-cgroups-mode', mode]
    succeeded(await holder.checkpoint(image, ...option))
    if (mode === 'strict') {
      const taken = cgroupOf(holder.id, 'pids') ?? ''
      mkdirSync(taken)
      refused(await holder.restore(image, ...option), /cgroup exists already.*strict wants a new one.*fix: /)
      removeCgroup(taken)
    }
    succeeded(await holder.restore(image, ...option))
    assert.deepEqual(await limits(), [50, 64], mode)
    assert.equal(await holder.ask(), `count ${++count} sent`)
  }
  succeeded(await world.usnea(['delete', '--force', holder.id]))
})

testAs(real, 'labels of a security module that is not here are refused, and nothing is made', async (world) => {
  const image = imageOf(world)
  const holder = await holding(world, ['memory', '/dev/null'])
  succeeded(await holder.checkpoint(image))
  for (const [options, words] of lsmOptions) refused(await holder.restore(image, ...options), words)
  refused(await world.usnea(['state', holder.id]), /does not exist/)
  succeeded(await holder.restore(image))
  succeeded(await world.usnea(['delete', '--force', holder.id]))
})
