// Needs root, writable cgroups and a static busybox: pause, resume, update, events, and who belongs to a container.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readProcess } from '../../src/host/process.ts'
import { testAs } from '../fixtures/cases.ts'
import { cgroupOf, ownCgroups, removeCgroup, whyNoCgroup } from '../fixtures/cgroups.ts'
import type { Config } from '../fixtures/config.ts'
import { until } from '../fixtures/until.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

/** v1 has a freezer where it is mounted, v2 always. */
const freezer =
  whyNoCgroup() ?? (ownCgroups().some(({ version }) => version === 2) ? undefined : whyNoCgroup('freezer'))
const asRoot = (...controllers: string[]) => ({ as: ['root'], skip: whyNoCgroup(...controllers) }) as const
const freezing = { as: ['root'], skip: freezer } as const

/** One letter of proc_pid_stat(5); none of a process that has ended. */
const stateOf = (pid: number) => readProcess(pid)?.state

async function started(
  world: World,
  patch: (config: Config) => void = () => undefined,
  global: readonly string[] = [],
): Promise<string> {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i > /tmp/count; sleep 0.05; done']
    patch(config)
  })
  succeeded(await world.usnea([...global, 'run', '--detach', '--bundle', bundle.path, id]))
  return id
}

const statusOf = async (world: World, id: string): Promise<string> =>
  JSON.parse(succeeded(await world.usnea(['state', id]))).status
const remove = async (world: World, id: string) => void succeeded(await world.usnea(['delete', '--force', id]))
const shared = (config: Config) => {
  config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
}

testAs(freezing, 'a paused container stands still, takes no exec, and goes on', async (world) => {
  const id = await started(world)
  succeeded(await world.usnea(['pause', id]))
  assert.equal(await statusOf(world, id), 'paused')
  assert.match(succeeded(await world.usnea(['list'])), /paused/)
  refused(
    await world.usnea(['exec', id, 'true']),
    /cannot exec in a paused container \(use --ignore-paused to override\)/,
    255,
  )
  refused(await world.usnea(['pause', id]), /container not running/)
  succeeded(await world.usnea(['resume', id]))
  assert.equal(await statusOf(world, id), 'running')
  refused(await world.usnea(['resume', id]), /container not paused/)
  await until(
    'the program writes again',
    async () => (await world.usnea(['exec', id, 'cat', '/tmp/count'])).stdout !== '',
  )
  await remove(world, id)
})

testAs(freezing, 'a created container that is paused is not started', async (world) => {
  const id = world.newId()
  const bundle = await world.bundle()
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  succeeded(await world.usnea(['pause', id]))
  refused(await world.usnea(['start', id]), /cannot start a container in the paused state/)
  await remove(world, id)
})

testAs(freezing, 'exec with --ignore-paused goes on when the container does', async (world) => {
  const id = await started(world)
  succeeded(await world.usnea(['pause', id]))
  const waiting = world.call(['exec', '--ignore-paused', id, 'echo', 'went on'])
  succeeded(await world.usnea(['resume', id]))
  assert.equal(succeeded(await waiting.ended), 'went on\n')
  await remove(world, id)
})

testAs(freezing, 'a paused container can be killed and deleted', async (world) => {
  const id = await started(world)
  succeeded(await world.usnea(['pause', id]))
  succeeded(await world.usnea(['kill', id, 'KILL']))
  await until('it has stopped', async () => (await statusOf(world, id)) === 'stopped')
  succeeded(await world.usnea(['delete', id]))
  const second = await started(world, shared)
  succeeded(await world.usnea(['pause', second]))
  await remove(world, second)
})

const without = ['--cgroup-manager', 'disabled']

testAs(
  {},
  'without a cgroup signals pause a container, its pid namespace says what is in it, /proc counts',
  async (world) => {
    const id = await started(world, undefined, without)
    const [init = 0] = JSON.parse(succeeded(await world.usnea(['ps', '--format', 'json', id])))
    succeeded(await world.usnea(['exec', '--detach', id, 'sleep', '600']))
    const counted = JSON.parse(succeeded(await world.usnea(['events', '--stats', id]))).data
    assert.ok(counted.pids.current >= 2 && counted.memory.usage.usage > 4096, JSON.stringify(counted))
    assert.ok(counted.cpu.usage.total >= counted.cpu.usage.user)

    succeeded(await world.usnea(['pause', id]))
    assert.equal(await statusOf(world, id), 'paused')
    const pids: number[] = JSON.parse(succeeded(await world.usnea(['ps', '--format', 'json', id])))
    assert.deepEqual([...new Set(pids.map(stateOf))], ['T'])
    refused(await world.usnea(['exec', id, 'true']), /cannot exec in a paused container/, 255)
    process.kill(init, 'SIGCONT')
    assert.equal(await statusOf(world, id), 'running', 'what somebody else continues is not called paused')
    succeeded(await world.usnea(['resume', id]))
    assert.equal(pids.filter((pid) => stateOf(pid) === 'T').length, 0)
    refused(await world.usnea(['resume', id]), /container not paused/)
    succeeded(await world.usnea(['pause', id]))
    succeeded(await world.usnea(['kill', '--all', id, 'KILL']))
    await until('it has stopped', async () => (await statusOf(world, id)) === 'stopped')
    succeeded(await world.usnea(['delete', id]))
  },
)

testAs({ as: ['root'] }, 'without a cgroup and a pid namespace nobody knows what a container holds', async (world) => {
  const id = await started(world, shared, without)
  refused(await world.usnea(['pause', id]), /cannot toggle freezer: cgroups not configured for container/)
  refused(await world.usnea(['events', '--stats', id]), /no statistics: the container has no cgroup/)
  await remove(world, id)
})

testAs(asRoot('pids', 'memory'), 'update changes what is named and nothing else', async (world) => {
  const limits = { memory: { limit: 64 << 20 }, pids: { limit: 20 } }
  const id = await started(world, (config) => Object.assign(config.linux, { resources: limits }))
  const pids = () => readFileSync(join(cgroupOf(id, 'pids') ?? '', 'pids.max'), 'utf8').trim()
  const memory = () => {
    const directory = cgroupOf(id, 'memory') ?? ''
    const v1 = join(directory, 'memory.limit_in_bytes')
    return readFileSync(existsSync(v1) ? v1 : join(directory, 'memory.max'), 'utf8').trim()
  }
  succeeded(await world.usnea(['update', '--pids-limit', '30', id]))
  assert.deepEqual([pids(), memory()], ['30', String(64 << 20)])
  succeeded(await world.usnea(['update', id, '--memory', '80m']))
  assert.deepEqual([pids(), memory()], ['30', String(80 << 20)])
  const input = JSON.stringify({ memory: null, pids: { limit: -1 } })
  succeeded(await world.usnea(['update', '-r', '-', id], { input }))
  assert.deepEqual([pids(), memory()], ['max', String(80 << 20)])
  await remove(world, id)
})

testAs(asRoot('pids'), 'an update that is refused changes nothing', async (world) => {
  const id = await started(world, (config) => Object.assign(config.linux, { resources: { pids: { limit: 20 } } }))
  refused(await world.usnea(['update', '--pids-limit', 'many', id]), /invalid value for pids-limit/)
  refused(await world.usnea(['update', '--memory', '12q', id]), /invalid value for memory/)
  refused(await world.usnea(['update', '-r', '-', id], { input: '{"pids": 7}' }), /resources are not valid/)
  refused(await world.usnea(['update', '-r', '-', id], { input: 'x' }), /resources are not valid/)
  refused(await world.usnea(['update', '--cpuset-cpus', '4000', '--pids-limit', '5', id]), /cpuset/)
  assert.equal(readFileSync(join(cgroupOf(id, 'pids') ?? '', 'pids.max'), 'utf8').trim(), '20')
  await remove(world, id)
  refused(await world.usnea(['update', '--pids-limit', '5', id]), /container does not exist/)
})

testAs(asRoot('pids'), 'events --stats tells what is used', async (world) => {
  const id = await started(world, (config) => Object.assign(config.linux, { resources: { pids: { limit: 20 } } }))
  const event = JSON.parse(succeeded(await world.usnea(['events', '--stats', id])))
  assert.deepEqual([event.type, event.id, event.data.pids.limit], ['stats', id, 20])
  assert.ok(event.data.pids.current >= 1)
  refused(await world.usnea(['events', '--interval', '0s', id]), /duration interval must be greater than 0/)
  await remove(world, id)
})

testAs(asRoot('memory'), 'events tells statistics again and again, a lack of memory, and the end', async (world) => {
  const id = await started(world, (config) => {
    config.process.args = [
      'sh',
      '-c',
      'while [ ! -e /tmp/go ]; do sleep 0.05; done; (a=$(head -c 100000000 /dev/zero | tr "\\0" x)); sleep 1000',
    ]
    Object.assign(config.linux, { resources: { memory: { limit: 32 << 20 } } })
  })
  const watching = world.call(['events', '--interval', '100ms', id])
  const types = () =>
    watching
      .output()
      .stdout.split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).type)
  await until('there are statistics', async () => types().length >= 2)
  succeeded(await world.usnea(['exec', id, 'sh', '-c', ': > /tmp/go']))
  await until('the lack of memory is told', async () => types().includes('oom'))
  await remove(world, id)
  succeeded(await watching.ended)
})

testAs(asRoot(), 'in a shared pid namespace the cgroup tells who belongs to the container', async (world) => {
  const id = await started(world, (config) => {
    config.process.args = ['sh', '-c', '(setsid sleep 1000 &) ; exec sleep 1000']
    shared(config)
  })
  const members = async () => JSON.parse(succeeded(await world.usnea(['ps', '--format', 'json', id]))) as number[]
  await until('both are there', async () => (await members()).length === 2)
  const [one = 0, other = 0] = await members()
  const { pid } = JSON.parse(succeeded(await world.usnea(['state', id])))
  process.kill(pid, 'SIGKILL')
  await until('the first has ended', async () => (await statusOf(world, id)) === 'stopped')
  succeeded(await world.usnea(['delete', id]))
  await until('the other went too', async () => !existsSync(`/proc/${one === pid ? other : one}`))
})

testAs(asRoot('pids'), 'a cgroup that somebody else has made at the same path is left alone', async (world) => {
  const id = await started(world, (config) => {
    config.process.args = ['sleep', '1000']
    shared(config)
  })
  const { pid } = JSON.parse(succeeded(await world.usnea(['state', id])))
  process.kill(pid, 'SIGKILL')
  await until('it has ended', async () => (await statusOf(world, id)) === 'stopped')
  const places = ownCgroups().map(({ base }) => join(base, id))
  for (const path of places) if (existsSync(path)) rmdirSync(path)
  const path = cgroupOf(id, 'pids') ?? ''
  mkdirSync(path)
  const bystander = world.start(['sleep', '1000'])
  try {
    writeFileSync(join(path, 'cgroup.procs'), String(bystander.pid))
    refused(await world.usnea(['kill', id, 'KILL']), /container not running/)
    succeeded(await world.usnea(['delete', id]))
    assert.equal(readFileSync(join(path, 'cgroup.procs'), 'utf8'), `${bystander.pid}\n`)
  } finally {
    process.kill(bystander.pid, 'SIGKILL')
    await bystander.ended
    removeCgroup(path)
  }
})

testAs(asRoot('memory'), 'exec goes into a cgroup below that of the container, and nowhere else', async (world) => {
  const id = await started(world)
  const sub = join(cgroupOf(id, 'memory') ?? '', 'sub')
  mkdirSync(sub)
  const isV1 = existsSync(join(sub, 'memory.limit_in_bytes'))
  const argument = isV1 ? 'memory:sub' : 'sub'
  const seen = succeeded(await world.usnea(['exec', '--cgroup', argument, id, 'cat', '/proc/self/cgroup']))
  assert.match(seen, new RegExp(`/${id}/sub\n`))
  for (const [path, words] of [
    ['..', /bad sub cgroup path/],
    ['sub/../../x', /bad sub cgroup path/],
    ['missing', /adding pid .*no such file or directory/],
    ['whatever:/', /unknown controller whatever/],
  ] as const)
    refused(await world.usnea(['exec', '--cgroup', path, id, 'true']), words, path === 'missing' ? 255 : 1)
  await remove(world, id)
})

testAs(asRoot('pids', 'memory'), 'limits says what holds each limit, and state too', async (world) => {
  const id = await started(world, (config) => {
    Object.assign(config.linux, { resources: { memory: { limit: 64 << 20, kernel: 1 << 20 }, pids: { limit: 20 } } })
    config.process.rlimits = [{ type: 'RLIMIT_NOFILE', hard: 512, soft: 512 }]
  })
  const found = JSON.parse(succeeded(await world.usnea(['limits', '--format', 'json', id])))
  const brief = found.map((row: Record<string, unknown>) => [row.limit, row.enforcedBy])
  assert.deepEqual(brief, [
    ['/linux/resources/memory/limit', 'cgroup'],
    ['/linux/resources/pids/limit', 'cgroup'],
    ['/process/rlimits/0', 'rlimit'],
  ])
  assert.equal(found[1].detail, cgroupOf(id, 'pids'))
  assert.deepEqual(JSON.parse(succeeded(await world.usnea(['state', id]))).limits, found.slice(0, 2))
  assert.match(succeeded(await world.usnea(['limits', '--strict', id])), /^LIMIT +VALUE +ENFORCED BY/)
  await remove(world, id)
})

testAs({}, 'a limit that nothing holds is named so, and with --strict an error', async (world) => {
  const limited = (config: Config) => Object.assign(config.linux, { resources: { pids: { limit: 20 } } })
  const id = await started(world, limited, without)
  const [row] = JSON.parse(succeeded(await world.usnea(['limits', '--format', 'json', id])))
  assert.deepEqual([row.limit, row.value, row.enforcedBy], ['/linux/resources/pids/limit', 20, 'nothing'])
  assert.match(row.detail, /switched off/)
  const { status, stderr } = await world.usnea(['limits', '--strict', id])
  assert.equal(status, 1)
  assert.match(stderr, /nothing enforces a limit that was asked for.*\/linux\/resources\/pids\/limit/)
  await remove(world, id)
  const bundle = await world.bundle(limited)
  const again = [...without, 'run', '--strict', '--bundle', bundle.path, world.newId()]
  refused(await world.usnea(again), /nothing enforces a limit that was asked for/)
})
