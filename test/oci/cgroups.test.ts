// Needs root, writable cgroups and a static busybox: a container's own cgroup, its limits, and that nothing of it stays.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { cgroupOf, ownCgroups, removeCgroup, whyNoCgroup } from '../fixtures/cgroups.ts'
import type { Config } from '../fixtures/config.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

const asRoot = (...controllers: string[]) => ({ as: ['root'], skip: whyNoCgroup(...controllers) }) as const
const limit = (resources: object) => (config: Config) => Object.assign(config.linux, { resources })

/** A container that waits; its id. */
async function started(world: World, patch: (config: Config) => void = () => undefined): Promise<string> {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    patch(config)
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  return id
}

const remove = async (world: World, id: string) => void succeeded(await world.usnea(['delete', '--force', id]))

/** A file of the container's cgroup, by its names on v1 and v2. */
function read(id: string, controller: string, [v1, v2]: readonly [string, string]): string {
  const directory = cgroupOf(id, controller) ?? ''
  return readFileSync(join(directory, existsSync(join(directory, v1)) ? v1 : v2), 'utf8').trim()
}

testAs(asRoot(), 'the first process and what exec adds are in the cgroup of every tree', async (world) => {
  const id = await started(world)
  const { pid } = JSON.parse(succeeded(await world.usnea(['state', id])))
  const pidFile = join(world.identity.home, 'exec.pid')
  succeeded(await world.usnea(['exec', '--detach', '--pid-file', pidFile, id, 'sleep', '1000']))
  for (const member of [pid, readFileSync(pidFile, 'utf8')]) {
    const lines = readFileSync(`/proc/${member}/cgroup`, 'utf8').trim().split('\n')
    for (const line of lines) assert.match(line, new RegExp(`/${id}$`))
  }
  await remove(world, id)
})

testAs(asRoot('memory', 'pids', 'cpu', 'cpuset'), 'limits can be read back from the cgroup', async (world) => {
  const resources = {
    memory: { limit: 64 << 20, reservation: 32 << 20 },
    pids: { limit: 30 },
    cpu: { quota: 20_000, period: 50_000, cpus: '0', mems: '0' },
  }
  const id = await started(world, limit(resources))
  assert.equal(read(id, 'memory', ['memory.limit_in_bytes', 'memory.max']), String(64 << 20))
  assert.equal(read(id, 'memory', ['memory.soft_limit_in_bytes', 'memory.low']), String(32 << 20))
  assert.equal(read(id, 'pids', ['pids.max', 'pids.max']), '30')
  assert.match(read(id, 'cpu', ['cpu.cfs_quota_us', 'cpu.max']), /^20000( 50000)?$/)
  assert.equal(read(id, 'cpuset', ['cpuset.cpus', 'cpuset.cpus']), '0')
  await remove(world, id)
})

testAs(asRoot('memory'), 'a program that takes more memory than its limit is killed', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'a=$(head -c 100000000 /dev/zero | tr "\\0" x); echo survived']
    const memory = { limit: 32 << 20, swap: 32 << 20 }
    limit({ memory: hasSwapFile() ? memory : { limit: memory.limit } })(config)
  })
  const { stdout, status } = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
  assert.doesNotMatch(stdout, /survived/)
  assert.notEqual(status, 0)
})

/** Kernels without swap accounting have no file for it. */
function hasSwapFile(): boolean {
  const own = ownCgroups().find(({ controllers }) => controllers.includes('memory'))
  return own?.version === 2 || existsSync(join(own?.path ?? '', 'memory.memsw.limit_in_bytes'))
}

testAs(asRoot('pids'), 'a program that wants more processes than its limit is refused them', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do sleep 100 & done; echo all']
    limit({ pids: { limit: 4 } })(config)
  })
  const { stdout, stderr } = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
  assert.doesNotMatch(stdout, /all/)
  assert.match(stderr, /fork/)
})

testAs(asRoot(), 'cgroupsPath is taken from the mount on, and what was made of it goes', async (world) => {
  const top = `usnea-${randomBytes(4).toString('hex')}`
  const own = ownCgroups().find(({ path }) => path !== '')
  const id = await started(world, (config) => Object.assign(config.linux, { cgroupsPath: `/${top}/below/leaf` }))
  const { pid } = JSON.parse(succeeded(await world.usnea(['state', id])))
  assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`/${top}/below/leaf\n`))
  await remove(world, id)
  assert.ok(own)
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n'))
    if (/ - cgroup2? /.test(line)) assert.ok(!existsSync(join(line.split(' ')[4] ?? '', top)), line)
})

testAs(asRoot('pids'), 'a cgroup with processes in it is refused, and left as it was', async (world) => {
  const name = `usnea-${randomBytes(4).toString('hex')}`
  const directory = cgroupOf(name, 'pids') ?? ''
  mkdirSync(directory)
  const sleeper = spawn('sleep', ['1000'], { stdio: 'ignore' })
  try {
    writeFileSync(join(directory, 'cgroup.procs'), String(sleeper.pid))
    const bundle = await world.bundle((config) => Object.assign(config.linux, { cgroupsPath: `./${name}` }))
    refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /container's cgroup is not empty/)
    assert.equal(readFileSync(join(directory, 'cgroup.procs'), 'utf8').trim(), String(sleeper.pid))
    assert.equal(
      ownCgroups().filter(({ path }) => path !== dirname(directory) && existsSync(join(path, name))).length,
      0,
    )
  } finally {
    await ended(sleeper)
    removeCgroup(directory)
  }
})

function ended(child: ChildProcess): Promise<unknown> {
  const end = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  return end
}

testAs(asRoot('pids'), 'a limit that the kernel refuses is one error, and nothing stays', async (world) => {
  const bundle = await world.bundle(limit({ cpu: { cpus: '4000' }, pids: { limit: 4 } }))
  refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /cannot set (the )?cpuset limit/)
})

testAs({}, 'a cgroupsPath that climbs is refused', async (world) => {
  for (const path of ['../other', '/a/../../b', '/']) {
    const bundle = await world.bundle((config) => Object.assign(config.linux, { cgroupsPath: path }))
    refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /\/linux\/cgroupsPath/)
  }
})

testAs(
  { as: ['ranges', 'plain'] },
  'without a cgroup of its own, a user is told which limit cannot be had',
  async (world) => {
    const bundle = await world.bundle(limit({ pids: { limit: 10 } }))
    const words = /cannot set pids limit: container could not join or create cgroup|rootless needs no limits/
    refused(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), words)
  },
)

testAs(
  { as: ['root'] },
  'with cgroups switched off there is none, and limits are told to have no effect',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.args = ['cat', '/proc/self/cgroup']
      limit({ pids: { limit: 10 } })(config)
    })
    const id = world.newId()
    const disabled = ['--log-level', 'warning', '--cgroup-manager', 'disabled']
    const { stdout, stderr } = await world.usnea([...disabled, 'run', '--bundle', bundle.path, id])
    assert.doesNotMatch(stdout, new RegExp(id))
    assert.match(stderr, /pids\/limit/)
  },
)

testAs({ as: ['root'] }, '--systemd-cgroup where systemd does not run is refused', async (world) => {
  if (existsSync('/run/systemd/system')) return
  const bundle = await world.bundle()
  refused(
    await world.usnea(['--systemd-cgroup', 'create', '--bundle', bundle.path, world.newId()]),
    /systemd cgroup flag passed, but systemd support for managing cgroups is not available/,
  )
})

testAs({ skip: whyNoCgroup('cpu', 'memory', 'pids') }, 'the doctor says whose limits would hold', async (world) => {
  const { level, findings } = JSON.parse((await world.usnea(['doctor', '--json'])).stdout)
  const { status, what, why } = findings.find(({ id }: { id: string }) => id === 'cgroups')
  if (world.identity.name === 'root') {
    assert.equal(status, 'ok', `${what} ${why}`)
    assert.match(what, /made by us: .*\bpids\b/)
  } else assert.equal(level === 'U3', status === 'ok', `${level}: ${what}`)
})
