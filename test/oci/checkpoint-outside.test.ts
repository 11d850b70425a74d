// Needs a static busybox, root, gcc, and a criu that works on this kernel: what a saved container has of the outside, and its isolation.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { askSteady, criu, criuPath, imageOf, stateOf, steady, whyNoCriu } from '../fixtures/criu.ts'
import { runtimePath } from '../fixtures/install.ts'
import { listenForTerminal, onTerminal } from '../fixtures/terminal.ts'
import { until } from '../fixtures/until.ts'
import { succeeded } from '../fixtures/world.ts'

const skip = whyNoCriu()
const real = { as: ['root'], needs: ['gcc'], skip } as const

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

testAs({ ...real, needs: ['python3'] }, 'a terminal is sent to the new console socket, or attended', async (world) => {
  const [id, image] = [world.newId(), imageOf(world)]
  const bundle = await world.bundle((config) => {
    config.process.terminal = true
    config.process.args = ['sh', '-c', 'echo ready; while read line; do echo "<$line> on $(tty)"; done; exit 5']
  })
  const [one, two] = ['one', 'two'].map((name) => join(world.identity.home, `restored-${name}.sock`)) as [
    string,
    string,
  ]
  const save = async () => succeeded(await criu(world, ['checkpoint', '--image-path', image, id]))
  const restore = ['restore', '--image-path', image, '--bundle', bundle.path]
  {
    await using terminal = await listenForTerminal(one)
    succeeded(await world.usnea(['run', '--detach', '--console-socket', one, '--bundle', bundle.path, id]))
    await terminal.shows('ready')
    await save()
  }
  {
    await using terminal = await listenForTerminal(two)
    succeeded(await criu(world, [...restore, '--detach', '--console-socket', two, id]))
    terminal.write('typed\n')
    await terminal.shows('<typed> on /dev/pts/0')
    await save()
  }
  const path = `PATH=${criuPath(world.identity.env.PATH ?? '')}`
  await using terminal = onTerminal(world, ['env', path, await runtimePath(), '--root', world.state, ...restore, id])
  terminal.write('again\n')
  await terminal.shows('<again> on /dev/pts/0')
  terminal.write('\x04')
  await until('it has ended', () => terminal.status() !== undefined)
  assert.equal(terminal.status(), 5)
})

testAs({ ...real, needs: ['gcc', 'unshare'] }, 'namespaces of somebody else are entered again', async (world) => {
  const [id, image] = [world.newId(), imageOf(world)]
  const init = 'echo ready; while :; do sleep 0.2; done'
  const keeper = world.start(['unshare', '--net', '--pid', '--fork', '--kill-child', 'sh', '-c', init])
  try {
    await until('the namespaces are there', () => keeper.output().stdout === 'ready\n')
    const paths = { network: `/proc/${keeper.pid}/ns/net`, pid: `/proc/${keeper.pid}/ns/pid_for_children` }
    succeeded(await world.run(['nsenter', `--net=${paths.network}`, 'busybox', 'ip', 'link', 'set', 'lo', 'up']))
    const bundle = await steady(world, (config) => {
      for (const namespace of config.linux.namespaces)
        if (namespace.type === 'network' || namespace.type === 'pid') namespace.path = paths[namespace.type]
    })
    succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
    await askSteady(world, id)
    succeeded(await criu(world, ['checkpoint', '--image-path', image, id]))
    // The old processes keep their pids in there until somebody has reaped them.
    const restore = ['restore', '--detach', '--image-path', image, '--bundle', bundle.path, id]
    await until('the pids are free again', async () => (await criu(world, restore)).status === 0)
    assert.match(await askSteady(world, id), /^count 2 /)
    const { pid } = await stateOf(world, id)
    assert.deepEqual(
      ['net', 'pid'].map((name) => readlinkSync(`/proc/${pid}/ns/${name}`)),
      [readlinkSync(paths.network), readlinkSync(paths.pid)],
    )
    succeeded(await world.usnea(['delete', '--force', id]))
  } finally {
    keeper.child.kill('SIGKILL') // it waits for its child, and takes no other
    await keeper.ended
  }
})

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

testAs(real, 'links that a container turns around do not change what is bound where', async (world) => {
  const [id, image] = [world.newId(), imageOf(world)]
  const { home } = world.identity
  const bundle = await steady(world, (config) => {
    // Destinations that are links of the root: what is open is at /open, what is closed at /closed.
    for (const [name, mode] of [
      ['open', 'rw'],
      ['closed', 'ro'],
    ] as const)
      config.mounts.push({
        destination: `/to-${name}`,
        type: 'bind',
        source: join(home, name),
        options: ['bind', mode],
      })
  })
  for (const name of ['open', 'closed']) {
    world.file(join(name, 'name'), name)
    mkdirSync(join(bundle.rootfs, name))
    symlinkSync(`/${name}`, join(bundle.rootfs, `to-${name}`))
  }
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  await askSteady(world, id)
  const look = async () => {
    const script =
      'cat /open/name /closed/name; touch /open/made && rm /open/made && echo; touch /closed/made || echo kept'
    return succeeded(await world.usnea(['exec', id, 'sh', '-c', script]))
  }
  const before = await look()
  assert.equal(before, 'openclosed\nkept\n')
  const turn = 'cd /; rm to-open to-closed; ln -s /closed to-open; ln -s /open to-closed'
  succeeded(await world.usnea(['exec', id, 'sh', '-c', turn]))
  succeeded(await criu(world, ['checkpoint', '--image-path', image, id]))
  // The places are made anew by config.json and the links as they are now; what is mounted there is the image's.
  succeeded(await criu(world, ['restore', '--detach', '--image-path', image, '--bundle', bundle.path, id]))
  assert.equal(await look(), before)
  succeeded(await world.usnea(['delete', '--force', id]))
})
