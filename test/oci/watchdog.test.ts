// Needs a static busybox. Without a cgroup a watchdog ends what uses too much, and RLIMIT_NPROC refuses what is too many.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { until } from '../fixtures/until.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

const MiB = 1 << 20
const without = ['--cgroup-manager', 'disabled', '--enforce', 'watchdog'] as const
/** A buffer of so many MiB, and then it stays. */
const take = (size: number) => `dd if=/dev/zero of=/dev/null bs=${size}M count=1000000`
const limits = { memory: { limit: 48 * MiB }, pids: { limit: 12 }, cpu: { shares: 512 } }

async function started(world: World, script: string, patch: (config: Config) => void = () => undefined) {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', script]
    Object.assign(config.linux, { resources: limits })
    patch(config)
  })
  succeeded(await world.usnea([...without, 'run', '--detach', '--bundle', bundle.path, id]))
  return id
}

type Limit = Record<'limit' | 'enforcedBy' | 'detail', string>
const limitsOf = async (world: World, id: string): Promise<Limit[]> =>
  JSON.parse(succeeded(await world.usnea(['limits', '--format', 'json', id])))
const table = (all: readonly Limit[]) => Object.fromEntries(all.map(({ limit, enforcedBy }) => [limit, enforcedBy]))
const statusOf = async (world: World, id: string) => JSON.parse(succeeded(await world.usnea(['state', id]))).status
const remove = async (world: World, id: string) => void succeeded(await world.usnea(['delete', '--force', id]))

/** Watchdogs of this world: what lists of processes show of one is the container's directory. */
const watchdogs = (id: string) =>
  readdirSync('/proc').filter((name) => {
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8')
      return words.startsWith('usnea-watch\0') && words.includes(`/${id}\0`)
    } catch {
      return false
    }
  })

testAs({}, 'more memory than the limit ends the container, events and limits say why', async (world) => {
  const id = await started(world, `sleep 2; ${take(96)}`)
  const watching = world.usnea(['events', '--interval', '1h', id])
  assert.deepEqual(table(await limitsOf(world, id)), {
    '/linux/resources/memory/limit': 'watchdog',
    '/linux/resources/pids/limit': 'watchdog',
    '/linux/resources/cpu/shares': 'nothing',
  })
  const [watchdog] = watchdogs(id)
  assert.ok(watchdog)
  const resident = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${watchdog}/status`, 'utf8'))?.[1])
  assert.ok(resident < 1024, `${resident} KiB`)
  const seen = await watching
  assert.match(seen.stdout, new RegExp(`^{"type":"oom","id":"${id}"}$`, 'm'))
  assert.equal(await statusOf(world, id), 'stopped')
  const told = (await limitsOf(world, id)).find(({ limit }) => limit.endsWith('memory/limit'))
  assert.match(told?.detail ?? '', /^it has ended the container, which had \d{8,9}$/)
  await until('the watchdog has ended too', () => watchdogs(id).length === 0)
  await remove(world, id)
})

testAs({}, 'what is less is left alone, also in many processes that share it', async (world) => {
  const id = await started(world, `${take(10)} & ${take(10)} & ${take(10)} & wait`)
  const script = 'sleep 0.6; echo alive'
  assert.equal(succeeded(await world.usnea(['exec', id, 'sh', '-c', script])), 'alive\n')
  await remove(world, id)
  await until('the watchdog has ended too', () => watchdogs(id).length === 0)
})

testAs({}, 'nobody hides: orphans, nested pid namespaces and what exec brings are counted', async (world) => {
  for (const hidden of [
    `(setsid ${take(32)} &); exec ${take(32)}`,
    `unshare -p -f sh -c '${take(32)}' & ${take(32)}`,
  ]) {
    const id = await started(world, `sleep 0.5; ${hidden}`, (config) => {
      const all = ['CAP_SYS_ADMIN']
      Object.assign(config.process, { capabilities: { bounding: all, effective: all, permitted: all } })
    })
    await until('it has ended', async () => (await statusOf(world, id)) === 'stopped')
    await remove(world, id)
  }
  const id = await started(world, 'sleep 1000')
  const joined = await world.usnea(['exec', id, 'sh', '-c', take(96)])
  assert.equal(joined.status, 137)
  assert.equal(await statusOf(world, id), 'stopped')
  await remove(world, id)
})

const forks = 'for i in $(seq 40); do sleep 1000 & done; echo all; wait'

testAs({}, 'more processes than the limit end the container', async (world) => {
  const id = await started(world, `sleep 0.5; ${forks}`)
  await until('it has ended', async () => (await statusOf(world, id)) === 'stopped')
  const told = (await limitsOf(world, id)).find(({ limit }) => limit.endsWith('pids/limit'))
  assert.equal(told?.enforcedBy, 'watchdog')
  await remove(world, id)
})

testAs({ as: ['plain'] }, 'with one user the kernel refuses what is more, in exec too', async (world) => {
  const id = await started(world, 'sleep 1000')
  assert.equal(table(await limitsOf(world, id))['/linux/resources/pids/limit'], 'rlimit')
  const refusedHere = await world.usnea(['exec', id, 'sh', '-c', `${forks}`])
  assert.match(refusedHere.stderr, /can't fork: Resource temporarily unavailable/)
  assert.equal(refusedHere.stdout, '')
  assert.equal(await statusOf(world, id), 'running')
  await remove(world, id)
})

testAs({}, 'the annotation asks for it too; --strict refuses what nothing would hold', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['true']
    Object.assign(config.linux, { resources: limits })
    config.annotations = { 'org.usnea.enforce': 'watchdog' }
  })
  const run = (...words: string[]) => world.usnea(['--cgroup-manager', 'disabled', 'run', ...words, world.newId()])
  refused(await run('--strict', '--bundle', bundle.path), /nothing enforces.*cpu\/shares: not enforced/)
  succeeded(await run('--bundle', bundle.path))
  const held = await world.bundle((config) => {
    config.process.args = ['true']
    Object.assign(config.linux, { resources: { memory: limits.memory, pids: limits.pids } })
    config.annotations = { 'org.usnea.enforce': 'watchdog' }
  })
  succeeded(await run('--strict', '--bundle', held.path))
  const wrong = await world.bundle((config) => {
    config.annotations = { 'org.usnea.enforce': 'hope' }
  })
  refused(await run('--bundle', wrong.path), /org\.usnea\.enforce: must be cgroup or watchdog/)
  const shared = await world.bundle((config) => {
    Object.assign(config.linux, { resources: { memory: limits.memory } })
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
    config.annotations = { 'org.usnea.enforce': 'watchdog' }
  })
  refused(await run('--strict', '--bundle', shared.path), /memory\/limit: not enforced/)
})

/** Everything that linux.resources can limit, and one of process.rlimits. */
const everything = {
  memory: { limit: 200 * MiB, reservation: 100 * MiB, swap: 300 * MiB, swappiness: 10, disableOOMKiller: true },
  cpu: {
    shares: 512,
    quota: 50_000,
    period: 100_000,
    burst: 1000,
    realtimeRuntime: 1,
    realtimePeriod: 2,
    idle: 1,
    cpus: '0',
    mems: '0',
  },
  pids: { limit: 100 },
  blockIO: {
    weight: 100,
    throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 << 20 }],
    throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 1 << 20 }],
    throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 100 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 100 }],
  },
  hugepageLimits: [{ pageSize: '2MB', limit: 2 * MiB }],
  network: { classID: 1, priorities: [{ name: 'lo', priority: 1 }] },
  rdma: { mlx: { hcaHandles: 1 } },
}

testAs({}, 'the table of enforcers has every limit, with a watchdog and without', async (world) => {
  const all = (config: Config) => {
    Object.assign(config.linux, { resources: everything })
    config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 100 }]
  }
  // A period says only what a quota is a part of.
  const names = Object.entries(everything)
    .flatMap(([section, value]) =>
      ['hugepageLimits', 'rdma'].includes(section) ? [section] : Object.keys(value).map((name) => `${section}/${name}`),
    )
    .filter((name) => !/period/i.test(name))
  for (const [words, memory, processes] of [
    [without, 'watchdog', world.identity.ids === 'many' ? 'watchdog' : 'rlimit'],
    [without.slice(0, 2), 'nothing', 'nothing'],
  ] as const) {
    const bundle = await world.bundle((config) => {
      config.process.args = ['sleep', '1000']
      all(config)
    })
    const id = world.newId()
    succeeded(await world.usnea([...words, 'create', '--bundle', bundle.path, id]))
    const told = await limitsOf(world, id)
    const expected = Object.fromEntries(names.map((name) => [`/linux/resources/${name}`, 'nothing']))
    expected['/linux/resources/memory/limit'] = memory
    expected['/linux/resources/pids/limit'] = processes
    assert.deepEqual(table(told), { ...expected, '/process/rlimits/0': 'rlimit' })
    for (const { limit, enforcedBy, detail } of told)
      if (enforcedBy === 'nothing') assert.ok(detail.length > 10, `${limit}: ${detail}`)
    await remove(world, id)
  }
})

testAs({}, 'update changes what it watches for, and a watchdog that is gone is told', async (world) => {
  const id = await started(world, `sleep 2; ${take(96)}`)
  succeeded(await world.usnea(['update', '--memory', '200M', id]))
  refused(await world.usnea(['update', '--cpu-share', '100', id]), /nothing else holds such a limit/)
  assert.equal(succeeded(await world.usnea(['exec', id, 'sh', '-c', 'sleep 3; echo alive'])), 'alive\n')
  succeeded(await world.usnea(['update', '--memory', '20M', id]))
  await until('it has ended', async () => (await statusOf(world, id)) === 'stopped')
  await remove(world, id)

  const second = await started(world, 'sleep 1000')
  const [watchdog] = watchdogs(second)
  process.kill(Number(watchdog), 'SIGKILL')
  await until('it is gone', () => watchdogs(second).length === 0)
  assert.equal(table(await limitsOf(world, second))['/linux/resources/memory/limit'], 'nothing')
  refused(await world.usnea(['update', '--memory', '20M', second]), /the watchdog has ended/)
  await remove(world, second)
})
