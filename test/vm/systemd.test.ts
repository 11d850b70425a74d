// Needs systemd as the first process, and for a user a login session: `npm run test:vm`. As whoever it is started as.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { until } from '../fixtures/until.ts'
import { isRoot } from '../fixtures/users.ts'
import { refused, succeeded } from '../fixtures/world.ts'
import { call, limits, run, session, show, skip, slice, systemctl } from './scopes.ts'

const me = { as: [isRoot ? 'root' : 'ranges'], skip } as const
const user = { ...me, skip: skip ?? (isRoot ? 'is about users' : undefined) }
testAs(me, 'a container is a scope with its limits, from run to delete', async (world) => {
  const id = world.newId()
  const unit = `box-${id}.scope`
  const resources = {
    memory: { limit: 33_554_432, swap: 33_554_432 },
    cpu: { shares: 2048, quota: 50_000, period: 100_000, cpus: '0' },
    pids: { limit: 20 },
  }
  succeeded(await run(world, id, limits(resources)))
  const names = ['MemoryMax', 'CPUWeight', 'CPUQuotaPerSecUSec', 'TasksMax', 'AllowedCPUs', 'Delegate', 'Slice']
  assert.deepEqual(await show(world, unit, ...names), {
    MemoryMax: '33554432',
    CPUWeight: '174',
    CPUQuotaPerSecUSec: '500ms',
    TasksMax: '20',
    AllowedCPUs: '0',
    Delegate: 'yes',
    Slice: slice,
  })
  assert.match(
    await systemctl(world, 'status', unit),
    /Active: active[\s\S]*limit: 20[\s\S]*max: 32\.0M[\s\S]*sleep 1000/,
  )
  const { ControlGroup } = await show(world, unit, 'ControlGroup')
  const file = (name: string) => readFileSync(join('/sys/fs/cgroup', ControlGroup ?? '', name), 'utf8').trim()
  assert.deepEqual(['memory.max', 'memory.swap.max', 'cpu.max', 'pids.max', 'cpuset.cpus'].map(file), [
    '33554432',
    '0',
    '50000 100000',
    '20',
    '0',
  ])

  assert.equal(succeeded(await call(world, ['exec', id, 'cat', '/proc/self/cgroup'])).includes(unit), true)
  succeeded(
    await call(world, ['update', '--memory', '67108864', '--memory-swap', '67108864', '--pids-limit', '33', id]),
  )
  assert.deepEqual(await show(world, unit, 'MemoryMax', 'TasksMax'), { MemoryMax: '67108864', TasksMax: '33' })
  assert.deepEqual(['memory.max', 'pids.max'].map(file), ['67108864', '33'])
  // What systemd has kept is what is in the files: a reload changes nothing.
  await systemctl(world, 'daemon-reload')
  assert.deepEqual(['memory.max', 'cpu.max', 'pids.max'].map(file), ['67108864', '50000 100000', '33'])

  succeeded(await call(world, ['pause', id]))
  assert.equal(file('cgroup.freeze'), '1')
  succeeded(await call(world, ['resume', id]))
  succeeded(await call(world, ['kill', id, 'KILL']))
  await until('it has ended', async () => !existsSync(join('/sys/fs/cgroup', ControlGroup ?? '')))
  succeeded(await call(world, ['delete', id]))
  assert.deepEqual(await show(world, unit, 'LoadState'), { LoadState: 'not-found' })
})

testAs(me, 'a memory limit kills, and a failed unit of that name is no obstacle', async (world) => {
  const [first, second] = [world.newId(), world.newId()]
  const path = `${slice}:box:${first}`
  const annotations = {
    'org.systemd.property.CollectMode': "'inactive'",
    'org.systemd.property.RuntimeMaxSec': 'uint64 15',
    // The first process of a pid namespace does not hear SIGTERM.
    'org.systemd.property.TimeoutStopSec': 'uint64 1',
  }
  succeeded(await run(world, first, (config) => void Object.assign(config, { annotations })))
  await until(
    'systemd has ended it',
    async () => (await show(world, `box-${first}.scope`, 'ActiveState')).ActiveState === 'failed',
  )
  // As after a crash: nobody has deleted the first one.
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'tail /dev/zero']
    Object.assign(config.linux, { cgroupsPath: path, resources: { memory: { limit: 16_777_216, swap: 16_777_216 } } })
  })
  assert.equal((await call(world, ['--systemd-cgroup', 'run', '--bundle', bundle.path, second])).status, 137)
  succeeded(await call(world, ['delete', first]))
  assert.deepEqual(await show(world, `box-${first}.scope`, 'LoadState'), { LoadState: 'not-found' })
})

testAs(me, 'a name in use is refused, its container lives on, and goes also while it is paused', async (world) => {
  const [first, second] = [world.newId(), world.newId()]
  succeeded(await run(world, first, () => {}))
  const same = (config: Config) => void Object.assign(config.linux, { cgroupsPath: `${slice}:box:${first}` })
  refused(await run(world, second, same), /container's cgroup is not empty/)
  assert.equal(JSON.parse(succeeded(await call(world, ['state', first]))).status, 'running')
  succeeded(await call(world, ['pause', first]))
  succeeded(await call(world, ['delete', '--force', first]))
  assert.deepEqual(await show(world, `box-${first}.scope`, 'LoadState'), { LoadState: 'not-found' })
})

testAs(
  user,
  'without a manager by name a user with limits gets a scope, also by the private socket alone',
  async (world) => {
    const id = world.newId()
    const bundle = await world.bundle(limits({ pids: { limit: 9 } }))
    bundle.config.process.args = ['sleep', '1000']
    const env = { ...session, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent/bus' }
    succeeded(await call(world, ['create', '--bundle', bundle.path, id], { env }))
    assert.deepEqual(await show(world, `usnea-${id}.scope`, 'TasksMax'), { TasksMax: '9' })
    succeeded(await call(world, ['delete', id], { env }))
  },
)

testAs(user, 'what spec --rootless writes shows a container that has a cgroup that one alone', async (world) => {
  const bundle = await world.bundle()
  rmSync(join(bundle.path, 'config.json'))
  succeeded(await call(world, ['spec', '--rootless', '--bundle', bundle.path]))
  const config = JSON.parse(readFileSync(join(bundle.path, 'config.json'), 'utf8')) as Config
  Object.assign(config.process, { terminal: false, args: ['find', '/sys/fs/cgroup', '-type', 'd'] })
  writeFileSync(join(bundle.path, 'config.json'), JSON.stringify(config))
  const out = await call(world, ['--systemd-cgroup', 'run', '--bundle', bundle.path, world.newId()])
  assert.equal(succeeded(out), '/sys/fs/cgroup\n')
})

testAs(user, 'among the units of systemd a limit is that of a scope, which lasts', async (world) => {
  const id = world.newId()
  const bundle = await world.bundle(limits({ cpu: { quota: 50_000, period: 100_000 } }))
  bundle.config.process.args = ['sleep', '1000']
  const through = ['systemd-run', '--user', '--scope', '--quiet', '--property=Delegate=yes']
  succeeded(await call(world, ['create', '--bundle', bundle.path, id], { through }))
  assert.deepEqual(await show(world, `usnea-${id}.scope`, 'CPUQuotaPerSecUSec'), { CPUQuotaPerSecUSec: '500ms' })
  succeeded(await call(world, ['delete', id]))
})

testAs(user, 'as root of a user namespace it is the user whom systemd sees', async (world) => {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    limits({ pids: { limit: 9 } })(config)
    Object.assign(config.linux, { uidMappings: undefined, gidMappings: undefined })
    config.linux.namespaces = config.linux.namespaces.filter(({ type }: { type: string }) => type !== 'user')
  })
  const through = ['unshare', '--user', '--map-root-user']
  succeeded(await call(world, ['--systemd-cgroup', 'create', '--bundle', bundle.path, id], { through }))
  assert.deepEqual(await show(world, `usnea-${id}.scope`, 'TasksMax'), { TasksMax: '9' })
  succeeded(await call(world, ['delete', id], { through }))
})

testAs(user, 'in a cgroup namespace of its own, cgroupfs makes the processes there step aside', async (world) => {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    limits({ pids: { limit: 9 } })(config)
    config.linux.namespaces = config.linux.namespaces.filter(({ type }: { type: string }) => type !== 'user')
  })
  // All in the same scope: create, look, delete. `$0` and what follows is the runtime. A file system is not mounted
  // onto itself, hence the one in between.
  const script = `mount -t tmpfs none /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup
    "$0" "$@" && cat /sys/fs/cgroup/${id}/pids.max /sys/fs/cgroup/cgroup.procs /proc/self/cgroup
    "$0" --root ${world.state} delete --force ${id} && ls -d /sys/fs/cgroup/*/`
  const through = ['systemd-run', '--user', '--scope', '--quiet', '--property=Delegate=yes']
  const inside = ['unshare', '--user', '--map-root-user', '--cgroup', '--mount', 'sh', '-c', script]
  const create = ['--cgroup-manager', 'cgroupfs', 'create', '--bundle', bundle.path, id]
  const { stdout, stderr, status } = await call(world, create, { through: [...through, ...inside] })
  assert.equal(stdout, '9\n0::/usnea-callers\n/sys/fs/cgroup/usnea-callers/\n', stderr)
  assert.equal(status, 0)
})

testAs(user, "the system's systemd, no systemd, and what a user is not handed are told apart", async (world) => {
  const env = { ...session, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/dbus/system_bus_socket' }
  refused(await run(world, world.newId(), () => {}, { env }), /it takes orders from root only/)
  const huge = limits({ hugepageLimits: [{ pageSize: '2MB', limit: 0 }] })
  refused(await run(world, world.newId(), huge), /the hugetlb controller cannot be had here/)
})

testAs(user, 'the doctor finds the scopes of the systemd of a user, and calls it full rootless', async (world) => {
  const { stdout } = await call(world, ['doctor', '--json', '--min-level', 'U3', '--require', 'cgroups'])
  const { level, findings } = JSON.parse(stdout)
  assert.equal(level, 'U3', stdout)
  const found = findings.find(({ id }: { id: string }) => id === 'cgroups')
  assert.match(found.what, /^v2, as scopes of your systemd: .*memory.*pids/)
})
