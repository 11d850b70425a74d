// Needs a static busybox, root, gcc, and a criu that works on this kernel: what a program was goes into files and comes back.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import {
  askSteady,
  criu,
  hasFeature,
  imageOf,
  slowCriu,
  stateOf,
  steady,
  whyNoCriu,
  withCriu,
} from '../fixtures/criu.ts'
import { until } from '../fixtures/until.ts'
import { refused, succeeded } from '../fixtures/world.ts'

const skip = whyNoCriu()
const real = { as: ['root'], needs: ['gcc'], skip } as const

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

testAs(real, 'a signal undoes a checkpoint or a restore that is not done yet', async (world) => {
  const [id, image, second] = [world.newId(), imageOf(world), imageOf(world)]
  const bundle = await steady(world)
  const interrupt = async (args: readonly string[]) => {
    const { options, isThere, go } = slowCriu(world)
    const call = world.call(args, options)
    await until('criu is there', isThere)
    call.child.kill('SIGTERM')
    go()
    assert.equal((await call.ended).signal, 'SIGTERM', call.output().stderr)
  }
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  await askSteady(world, id)
  await interrupt(['checkpoint', '--image-path', image, id])
  // Before criu is asked to dump there is no directory yet: its first call only asks what it can do.
  const left = existsSync(image) ? readdirSync(image) : []
  assert.deepEqual(
    left.filter((name) => !name.endsWith('.log')),
    [],
  )
  assert.match(await askSteady(world, id), /^count 2 /)
  succeeded(await criu(world, ['checkpoint', '--image-path', second, id]))
  await interrupt(['restore', '--detach', '--image-path', second, '--bundle', bundle.path, id])
  refused(await world.usnea(['state', id]), /container does not exist/)
  succeeded(await criu(world, ['restore', '--detach', '--image-path', second, '--bundle', bundle.path, id]))
  assert.match(await askSteady(world, id), /^count 3 /)
  succeeded(await world.usnea(['delete', '--force', id]))
})
