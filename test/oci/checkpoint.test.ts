// Needs a static busybox, root, gcc, and a criu that works on this kernel: what a program was goes into files and comes back.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { addSteady, askSteady, hasFeature, whyNoCriu, withCriu } from '../fixtures/criu.ts'
import { listenForTerminal } from '../fixtures/terminal.ts'
import { until } from '../fixtures/until.ts'
import { type Bundle, type CallOptions, refused, succeeded, type World } from '../fixtures/world.ts'

const skip = whyNoCriu()
const real = { as: ['root'], needs: ['gcc'], skip } as const

let images = 0
const imageOf = ({ identity }: World) => join(identity.home, `image-${++images}`)

async function steady(world: World, patch?: (config: Config) => void): Promise<Bundle> {
  const bundle = await world.bundle((config) => {
    config.process.args = ['steady']
    patch?.(config)
  })
  await addSteady(bundle)
  return bundle
}

const criu = (world: World, args: readonly string[], options?: CallOptions) =>
  world.usnea(args, withCriu(world, options))

interface State {
  readonly pid: number
  readonly status: string
}

const stateOf = async (world: World, id: string): Promise<State> =>
  JSON.parse(succeeded(await world.usnea(['state', id])))

testAs(real, 'a file, a pipe, a listening socket and a child are carried on', async (world) => {
  const [id, image, mark] = [world.newId(), imageOf(world), world.file('poststop', '')]
  const bundle = await steady(world, (config) => {
    config.hooks = { poststop: [{ path: '/bin/sh', args: ['sh', '-c', `echo gone >> ${mark}`] }] }
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  assert.equal(await askSteady(world, id), 'count 1 offset 2 pipe 14 child 1')
  succeeded(await criu(world, ['checkpoint', '--image-path', image, id]))
  refused(await world.usnea(['state', id]), /container does not exist/)
  assert.equal(readFileSync(mark, 'utf8'), 'gone\n', 'it has ended like any other')

  const pidFile = join(world.identity.home, 'restored.pid')
  const args = ['restore', '--detach', '--pid-file', pidFile, '--image-path', image, '--bundle', bundle.path, id]
  succeeded(await criu(world, args))
  assert.equal(await askSteady(world, id), 'count 2 offset 4 pipe 14 child 1')
  assert.equal(await askSteady(world, id), 'count 3 offset 6 pipe 14 child 1')
  const state = await stateOf(world, id)
  assert.deepEqual([state.status, String(state.pid)], ['running', readFileSync(pidFile, 'utf8')])
  assert.match(readFileSync(`/proc/${state.pid}/cgroup`, 'utf8'), new RegExp(`/${id}$`, 'm'))
  refused(await world.usnea(['delete', id]), /not stopped/)
  succeeded(await world.usnea(['kill', id, 'KILL']))
  await until('it has stopped', async () => (await stateOf(world, id)).status === 'stopped')
  succeeded(await world.usnea(['delete', id]))
})

/** What the kernel says of the first process, without what a later process has another value of. */
function traits(pid: number): Record<string, unknown> {
  const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\n')
  const kept = /^(Name|Umask|Uid|Gid|Groups|Sig(Blk|Ign|Cgt)|Cap\w+|NoNewPrivs|Seccomp\w*|Cpus_allowed|Threads):/
  const namespaces = ['cgroup', 'user', 'net', 'ipc', 'uts', 'pid', 'mnt'] as const
  return {
    status: read('status').filter((line) => kept.test(line)),
    // Ids of mounts and file systems differ; what is mounted where, and with what flags, may not.
    mounts: read('mountinfo')
      .map((line) => line.split(' ').slice(3).join(' '))
      .sort(),
    limits: read('limits'),
    descriptors: readdirSync(`/proc/${pid}/fd`).sort(),
    oom: read('oom_score_adj'),
    owned: namespaces.filter(
      (name) => readlinkSync(`/proc/${pid}/ns/${name}`) !== readlinkSync(`/proc/self/ns/${name}`),
    ),
    cgroup: read('cgroup').sort(),
  }
}

testAs(real, 'nothing of the isolation is weaker afterwards', async (world) => {
  const [id, image] = [world.newId(), imageOf(world)]
  const bundle = await steady(world, (config) => {
    config.process.noNewPrivileges = true
    config.process.oomScoreAdj = 200
    config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }]
    Object.assign(config.linux, {
      maskedPaths: ['/proc/keys', '/proc/acpi', '/sys/firmware'],
      readonlyPaths: ['/proc/sys', '/proc/bus'],
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdirat', 'mkdir'], action: 'SCMP_ACT_ERRNO' }],
      },
    })
    config.mounts.push(
      { destination: '/mnt', type: 'bind', source: config.root.path, options: ['bind', 'ro', 'nosuid', 'nodev'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro', 'nosuid', 'nodev', 'noexec'] },
    )
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  await askSteady(world, id)
  const before = traits((await stateOf(world, id)).pid)
  succeeded(await criu(world, ['checkpoint', '--image-path', image, id]))
  succeeded(await criu(world, ['restore', '--detach', '--image-path', image, '--bundle', bundle.path, id]))
  assert.deepEqual(traits((await stateOf(world, id)).pid), before)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(real, '--leave-running makes two of it, each with a life of its own', async (world) => {
  const [id, copy, image] = [world.newId(), world.newId(), imageOf(world)]
  const bundle = await steady(world, (config) => {
    // criu holds files against what they were; a tmpfs is in the image.
    config.mounts.push({ destination: '/root', type: 'tmpfs', source: 'tmpfs', options: [] })
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  await askSteady(world, id)
  succeeded(await criu(world, ['checkpoint', '--leave-running', '--image-path', image, id]))
  assert.match(await askSteady(world, id), /^count 2 /)
  const args = ['restore', '--detach', '--manage-cgroups-mode', 'ignore', '--image-path', image]
  succeeded(await criu(world, [...args, '--bundle', bundle.path, copy]))
  assert.match(await askSteady(world, copy), /^count 2 /)
  assert.match(await askSteady(world, id), /^count 3 /)
  for (const name of [id, copy]) succeeded(await world.usnea(['delete', '--force', name]))
})

testAs(real, 'a restore in the foreground has its output and its exit status, and takes it away', async (world) => {
  const [id, image] = [world.newId(), imageOf(world)]
  const bundle = await steady(world)
  const first = world.call(['run', '--bundle', bundle.path, id])
  await askSteady(world, id)
  succeeded(await criu(world, ['checkpoint', '--image-path', image, id]))
  assert.deepEqual([(await first.ended).status, first.output().stdout], [137, 'listening\n'])
  const second = world.call(['restore', '--image-path', image, '--bundle', bundle.path, id], withCriu(world))
  assert.match(await askSteady(world, id), /^count 2 /)
  succeeded(await world.usnea(['kill', id, 'TERM']))
  assert.deepEqual(await second.ended, { status: 3, signal: null, stdout: 'from the pipe\n', stderr: '' })
  refused(await world.usnea(['state', id]), /container does not exist/)
})

testAs({ ...real, needs: ['python3'] }, 'a terminal is sent to the new console socket', async (world) => {
  const [id, image] = [world.newId(), imageOf(world)]
  const bundle = await world.bundle((config) => {
    config.process.terminal = true
    config.process.args = ['sh', '-c', 'echo ready; while read line; do echo "<$line> on $(tty)"; done']
  })
  const [one, two] = ['one', 'two'].map((name) => join(world.identity.home, `restored-${name}.sock`)) as [
    string,
    string,
  ]
  {
    await using terminal = await listenForTerminal(one)
    succeeded(await world.usnea(['run', '--detach', '--console-socket', one, '--bundle', bundle.path, id]))
    await terminal.shows('ready')
    succeeded(await criu(world, ['checkpoint', '--image-path', image, id]))
  }
  await using terminal = await listenForTerminal(two)
  const args = ['restore', '--detach', '--console-socket', two, '--image-path', image, '--bundle', bundle.path, id]
  succeeded(await criu(world, args))
  terminal.write('typed\n')
  await terminal.shows('<typed> on /dev/pts/0')
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(
  { ...real, needs: ['gcc', 'unshare'] },
  'a network namespace of somebody else is entered again',
  async (world) => {
    const [id, image] = [world.newId(), imageOf(world)]
    const keeper = world.start(['unshare', '--net', 'sh', '-c', 'echo ready; exec sleep 1000'])
    try {
      await until('the namespace is there', () => keeper.output().stdout === 'ready\n')
      const path = `/proc/${keeper.pid}/ns/net`
      succeeded(await world.run(['nsenter', `--net=${path}`, 'ip', 'link', 'set', 'lo', 'up']))
      const bundle = await steady(world, (config) => {
        for (const namespace of config.linux.namespaces) if (namespace.type === 'network') namespace.path = path
      })
      succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
      await askSteady(world, id)
      succeeded(await criu(world, ['checkpoint', '--image-path', image, id]))
      succeeded(await criu(world, ['restore', '--detach', '--image-path', image, '--bundle', bundle.path, id]))
      assert.match(await askSteady(world, id), /^count 2 /)
      assert.equal(readlinkSync(`/proc/${(await stateOf(world, id)).pid}/ns/net`), readlinkSync(path))
      succeeded(await world.usnea(['delete', '--force', id]))
    } finally {
      keeper.child.kill()
      await keeper.ended
    }
  },
)

testAs(real, 'a container with ids of its own, and one that is paused', async (world) => {
  const [id, image] = [world.newId(), imageOf(world)]
  const bundle = await steady(world, (config) => {
    const map = [{ containerID: 0, hostID: 100_000, size: 1000 }]
    Object.assign(config.linux, { uidMappings: map, gidMappings: map })
    config.linux.namespaces.push({ type: 'user' })
    // The image is root's, which is nobody inside.
    config.mounts.push({ destination: '/root', type: 'tmpfs', source: 'tmpfs', options: [] })
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  await askSteady(world, id)
  succeeded(await world.usnea(['pause', id]))
  succeeded(await criu(world, ['checkpoint', '--image-path', image, id]))
  succeeded(await criu(world, ['restore', '--detach', '--image-path', image, '--bundle', bundle.path, id]))
  assert.match(await askSteady(world, id), /^count 2 /)
  const { pid, status } = await stateOf(world, id)
  assert.deepEqual(
    [status, readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().split(/\s+/)],
    ['running', ['0', '100000', '1000']],
  )
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(real, 'memory goes ahead with --pre-dump, or it is said that this kernel cannot', async (world) => {
  const [id, parent, image] = [world.newId(), imageOf(world), imageOf(world)]
  const bundle = await steady(world)
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  await askSteady(world, id)
  const ahead = await criu(world, ['checkpoint', '--pre-dump', '--image-path', parent, id])
  if (hasFeature('mem_dirty_track')) {
    succeeded(ahead)
    const relative = join('..', parent.slice(world.identity.home.length + 1))
    succeeded(await criu(world, ['checkpoint', '--parent-path', relative, '--image-path', image, id]))
    succeeded(await criu(world, ['restore', '--detach', '--image-path', image, '--bundle', bundle.path, id]))
  } else {
    refused(ahead, /cannot tell dirty memory from clean.*mem_dirty_track.*CONFIG_MEM_SOFT_DIRTY/)
    assert.equal(existsSync(parent), false)
  }
  assert.match(await askSteady(world, id), /^count 2 /)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(real, 'a checkpoint that fails leaves the container as it was, and no image', async (world) => {
  const [id, image] = [world.newId(), imageOf(world)]
  // A connection that criu was not told to keep.
  const bundle = await world.bundle((config) => {
    const heard = 'until netstat -tln | grep -q :7001; do sleep 0.1; done'
    config.process.args = ['sh', '-c', `sleep 1000 | nc -l -p 7001 & ${heard}; sleep 1000 | nc 127.0.0.1 7001`]
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  const connected = async () => (await world.usnea(['exec', id, 'netstat', '-tn'])).stdout.includes('ESTABLISHED')
  await until('they talk', connected)
  const why = refused(await criu(world, ['checkpoint', '--image-path', image, id]), /Connected TCP socket/)
  assert.ok(why.includes(join(image, 'dump.log')), why)
  assert.deepEqual(readdirSync(image), ['dump.log'])
  assert.equal((await stateOf(world, id)).status, 'running')
  assert.ok(await connected(), 'they still talk')
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(real, 'processes of exec are no part of an image, and that is said', async (world) => {
  const [id, image] = [world.newId(), imageOf(world)]
  const bundle = await steady(world)
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  await askSteady(world, id)
  const pidFile = join(world.identity.home, 'exec.pid')
  succeeded(await world.usnea(['exec', '--detach', '--pid-file', pidFile, id, 'sleep', '1000']))
  const { status, stderr } = await criu(world, ['--log-level', 'warn', 'checkpoint', '--image-path', image, id])
  assert.equal(status, 0, stderr)
  assert.match(stderr, new RegExp(`not in the image: processes that exec started: ${readFileSync(pidFile, 'utf8')}\\b`))
})

testAs(real, 'a restore that fails leaves nothing', async (world) => {
  const [id, image] = [world.newId(), imageOf(world)]
  const bundle = await steady(world)
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  await askSteady(world, id)
  succeeded(await criu(world, ['checkpoint', '--image-path', image, id]))
  const restore = (...more: string[]) =>
    criu(world, ['restore', '--detach', '--image-path', image, '--bundle', bundle.path, ...more, id])
  const mounts = () =>
    readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(world.identity.home))
  const before = mounts()
  const log = join(image, 'restore.log')
  bundle.config.hooks = { createRuntime: [{ path: '/bin/false' }] }
  world.file(join(bundle.path.slice(world.identity.home.length + 1), 'config.json'), JSON.stringify(bundle.config))
  refused(await restore(), /hook.*\/hooks\/createRuntime\/0/)
  world.file(join(image.slice(world.identity.home.length + 1), 'pstree.img'), 'nothing that criu wrote')
  const why = refused(await restore(), /cannot restore the container/)
  assert.ok(why.includes(log), why)
  refused(await world.usnea(['state', id]), /container does not exist/)
  assert.deepEqual(mounts(), before)
})
