// Needs a static busybox: how exec finds its way into a container, whoever owns the namespaces, and when there is none any more.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

const everywhere = ['root', 'ranges', 'plain', 'nested', 'contained'] as const

async function sleeping(world: World, patch: Parameters<World['bundle']>[0] = undefined): Promise<string> {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    patch?.(config)
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  return id
}

const pidOf = async (world: World, id: string): Promise<number> =>
  JSON.parse(succeeded(await world.usnea(['state', id]))).pid

testAs({ as: everywhere }, 'exec enters the user and pid namespace that a container has joined', async (world) => {
  const first = await sleeping(world)
  const pid = await pidOf(world, first)
  const second = await sleeping(world, (config) => {
    for (const namespace of config.linux.namespaces)
      if (namespace.type === 'user' || namespace.type === 'pid') namespace.path = `/proc/${pid}/ns/${namespace.type}`
    delete config.linux.uidMappings
    delete config.linux.gidMappings
  })
  const namespaces = 'readlink /proc/self/ns/user; readlink /proc/self/ns/pid'
  const seenIn = async (id: string) => succeeded(await world.usnea(['exec', id, 'sh', '-c', namespaces]))
  assert.equal(await seenIn(first), await seenIn(second))
  assert.equal(succeeded(await world.usnea(['exec', second, 'id', '-u'])), '0\n')
  for (const id of [second, first]) succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(
  { as: ['root'] },
  'exec sets groups by what the namespace allows that the container has joined',
  async (world) => {
    const argv = ['--user', 'sh', '-c', 'echo made && exec sleep 1000']
    const maker = spawn('unshare', argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    assert.equal(String((await once(maker.stdout, 'data'))[0]), 'made\n')
    writeFileSync(`/proc/${maker.pid}/setgroups`, 'deny')
    for (const kind of ['uid', 'gid']) writeFileSync(`/proc/${maker.pid}/${kind}_map`, '0 0 1')
    try {
      const id = await sleeping(world, (config) => {
        config.linux.namespaces.push({ type: 'user', path: `/proc/${maker.pid}/ns/user` })
        for (const mount of config.mounts) mount.options = (mount.options ?? []).filter((option) => option !== 'gid=5')
      })
      assert.equal(succeeded(await world.usnea(['exec', id, 'id', '-u'])), '0\n')
      refused(await world.usnea(['exec', '-g', '5', id, 'id']), /cannot set any additional groups/, 255)
      refused(await world.usnea(['exec', '-u', '7', id, 'id']), /cannot setuid to unmapped uid 7/, 255)
      succeeded(await world.usnea(['delete', '--force', id]))
    } finally {
      maker.kill('SIGKILL')
      await once(maker, 'exit')
    }
  },
)

testAs({ as: ['root'] }, 'a user namespace is joined beside namespaces that another one owns', async (world) => {
  const first = await sleeping(world, (config) => {
    config.linux.namespaces.push({ type: 'user' })
    config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
    config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
  })
  const owner = await pidOf(world, first)
  const argv = ['--net', '--uts', '--ipc', 'sh', '-c', 'echo made && exec sleep 1000']
  const maker = spawn('unshare', argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  assert.equal(String((await once(maker.stdout, 'data'))[0]), 'made\n')
  const foreign = ['network', 'uts', 'ipc']
  try {
    const second = await sleeping(world, (config) => {
      delete config.hostname
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => !foreign.includes(type))
      config.linux.namespaces.push({ type: 'user', path: `/proc/${owner}/ns/user` })
      for (const [type, file] of [
        ['network', 'net'],
        ['uts', 'uts'],
        ['ipc', 'ipc'],
      ] as const)
        config.linux.namespaces.push({ type, path: `/proc/${maker.pid}/ns/${file}` })
      // both need the power over a namespace that is not ours inside
      config.mounts = config.mounts.filter(({ type }) => type !== 'sysfs' && type !== 'mqueue')
    })
    const names = ['net', 'uts', 'ipc', 'user'].map((name) => `readlink /proc/self/ns/${name}`).join('; ')
    const wanted = ['net', 'uts', 'ipc'].map((name) => readlinkSync(`/proc/${maker.pid}/ns/${name}`))
    const shown = succeeded(await world.usnea(['exec', second, 'sh', '-c', names]))
      .trim()
      .split('\n')
    assert.deepEqual(shown, [...wanted, readlinkSync(`/proc/${owner}/ns/user`)])
    for (const id of [second, first]) succeeded(await world.usnea(['delete', '--force', id]))
  } finally {
    maker.kill('SIGKILL')
    await once(maker, 'exit')
  }
})

testAs({ as: ['root'] }, 'exec works where no id is mapped to 0 inside', async (world) => {
  const id = await sleeping(world, (config) => {
    config.linux.namespaces.push({ type: 'user' })
    config.linux.uidMappings = [{ containerID: 1000, hostID: 0, size: 10 }]
    config.linux.gidMappings = [{ containerID: 1000, hostID: 0, size: 10 }]
    config.process.user = { uid: 1000, gid: 1000 }
  })
  assert.equal(succeeded(await world.usnea(['exec', id, 'sh', '-c', 'id -u; id -g'])), '1000\n1000\n')
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'exec refuses a process that took the pid of the container', async (world) => {
  const id = await sleeping(world)
  const file = join(world.state, id, 'state.json')
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(text), startTime: '1' }))
  refused(await world.usnea(['exec', id, 'true']), /cannot exec in a stopped container/, 255)
  writeFileSync(file, text)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(
  {},
  'exec into a container that ends at that moment succeeds, is killed with it, or says that it has stopped',
  async (world) => {
    for (let round = 0; round < 5; round++) {
      const id = await sleeping(world)
      const call = world.usnea(['exec', id, 'true'])
      const killed = world.usnea(['kill', id, 'KILL'])
      const { status, stderr } = await call
      if (status === 255) assert.match(stderr, /^[^\n]*cannot exec in a stopped container[^\n]*\n$/)
      else assert.ok(status === 0 || status === 137, `${status}: ${stderr}`)
      succeeded(await killed)
      succeeded(await world.usnea(['delete', '--force', id]))
    }
  },
)
