// Needs root, a cgroup2 tree and unshare: the systemd manager against a stand-in for systemd that works, refuses or dies.
// test/vm has the real one.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Variant } from '../../src/linux/systemd/encode.ts'
import type { Message } from '../../src/linux/systemd/message.ts'
import { testAs } from '../fixtures/cases.ts'
import { hierarchies } from '../fixtures/cgroup-tree.ts'
import { ownCgroups, removeCgroup, whyNoCgroup } from '../fixtures/cgroups.ts'
import { type Fake, type FakeOptions, fakeSystemd, property, type Reply } from '../fixtures/fake-systemd.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

const unified = ownCgroups().find(({ version }) => version === 2)
const skip = whyNoCgroup() ?? (unified === undefined ? 'needs a cgroup2 tree' : undefined)

/** As if systemd had booted the machine: sd_booted(3). */
const booted = [
  'unshare',
  '--mount',
  'sh',
  '-c',
  'mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec "$@"',
  'sh',
]

/** Of our own making and with a name of its own in every tree: where the stand-in begins. */
interface Stage {
  readonly fake: Fake
  /** From the root of the trees on. */
  readonly top: string
  readonly scope: (id: string) => string
  readonly usnea: (...args: string[]) => ReturnType<World['usnea']>
}

const job = '/org/freedesktop/systemd1/job/1'
const textOf = (properties: readonly (readonly [string, Variant])[], name: string) =>
  properties.find(([key]) => key === name)?.[1].value

/** What a scope is to the kernel: a directory with the processes in it. */
function act({ member, body }: Message, top: string): Reply | undefined {
  const place = join(unified?.path ?? '', top, 'system.slice', String(body[0]))
  if (member === 'Get' && body[1] === 'Version') return property('s', '252')
  if (member === 'Get' && body[1] === 'ControlGroup') return property('s', fromRoot(top))
  if (member === 'Get') return property('ay', new Uint8Array([1, 2, 3]))
  if (member === 'StartTransientUnit') {
    mkdirSync(place, { recursive: true })
    for (const pid of textOf(body[2] as [string, Variant][], 'PIDs') as number[])
      writeFileSync(join(place, 'cgroup.procs'), String(pid))
  }
  if (member === 'StopUnit') removeCgroup(place)
  return undefined
}

/** Our own place in the v2 tree, then the stage: systemd counts from the root. */
const fromRoot = (top: string): string =>
  join(`/${/^0::\/?(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? ''}`, top)

async function onStage(
  world: World,
  change: FakeOptions['reply'],
  body: (stage: Stage) => Promise<void>,
): Promise<void> {
  const top = `usnea-${randomBytes(4).toString('hex')}`
  const socket = join(world.identity.home, `${top}.sock`)
  const reply: FakeOptions['reply'] = (call, peer) => {
    const other = change?.(call, peer)
    if (other !== undefined) return other
    const done = act(call, top)
    if (done !== undefined) return done
    if (call.member !== 'StartTransientUnit' && call.member !== 'StopUnit') return {}
    const path = '/org/freedesktop/systemd1'
    peer.signal({
      path,
      interface: 'org.freedesktop.systemd1.Manager',
      member: 'JobRemoved',
      signature: 'uoss',
      body: [1, job, 'x', 'done'],
    })
    return { signature: 'o', body: [job] }
  }
  await using fake = await fakeSystemd(socket, { reply })
  const env = { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${socket}` }
  const scope = (id: string) => join(unified?.path ?? '', top, 'system.slice', `box-${id}.scope`)
  const usnea = (...args: string[]) => world.usnea(['--systemd-cgroup', ...args], { through: booted, env })
  try {
    await body({ fake, top, scope, usnea })
  } finally {
    for (const tree of hierarchies()) removeCgroup(join(tree, fromRoot(top)))
  }
}

const scoped = (world: World, id: string) =>
  world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    Object.assign(config.linux, { cgroupsPath: `system.slice:box:${id}`, resources: { pids: { limit: 20 } } })
    config.annotations = { 'org.systemd.property.TimeoutStopSec': 'uint64 7' }
  })

testAs(
  { as: ['root'], needs: ['unshare'], skip },
  'a container lives in a scope, and it goes with it',
  async (world) => {
    await onStage(world, undefined, async ({ fake, scope, usnea }) => {
      const id = world.newId()
      const bundle = await scoped(world, id)
      succeeded(await usnea('run', '--detach', '--bundle', bundle.path, id))
      const { pid } = JSON.parse(succeeded(await usnea('state', id))) as { pid: number }
      const start = fake.calls.find(({ member }) => member === 'StartTransientUnit')
      assert.equal(start?.body[0], `box-${id}.scope`)
      const properties = start.body[2] as [string, Variant][]
      assert.deepEqual(textOf(properties, 'TasksMax'), 20n)
      assert.deepEqual(textOf(properties, 'TimeoutStopUSec'), 7_000_000n)
      assert.deepEqual(textOf(properties, 'PIDs'), [pid])
      // In every tree, also in those that systemd does not know.
      const membership = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n')
      const own = readFileSync('/proc/self/mountinfo', 'utf8')
      for (const line of membership.filter((one) => own.includes(one.split(':')[1] || 'cgroup2')))
        assert.match(line, new RegExp(`box-${id}\\.scope$`), membership.join('\n'))

      succeeded(await usnea('update', '--pids-limit', '30', id))
      const update = fake.calls.find(({ member }) => member === 'SetUnitProperties')
      assert.deepEqual(update?.body, [`box-${id}.scope`, true, [['TasksMax', { signature: 't', value: 30n }]]])
      assert.deepEqual(JSON.parse(succeeded(await usnea('ps', '--format', 'json', id))), [pid])

      succeeded(await usnea('delete', '--force', id))
      assert.ok(fake.calls.some(({ member }) => member === 'StopUnit'))
      assert.equal(existsSync(scope(id)), false)
    })
  },
)

testAs(
  { as: ['root'], needs: ['unshare'], skip },
  "a unit that is somebody else's by now is not stopped, and its processes live on",
  async (world) => {
    let starts = 0
    const another: FakeOptions['reply'] = ({ member, body }) =>
      member === 'Get' && body[1] === 'InvocationID' ? property('ay', new Uint8Array([++starts])) : (undefined as never)
    await onStage(world, another, async ({ fake, scope, usnea }) => {
      const id = world.newId()
      const bundle = await scoped(world, id)
      succeeded(await usnea('run', '--detach', '--bundle', bundle.path, id))
      const stranger = spawn('sleep', ['1000'])
      const ended = once(stranger, 'exit')
      writeFileSync(join(scope(id), 'cgroup.procs'), String(stranger.pid))
      succeeded(await usnea('delete', '--force', id))
      assert.ok(stranger.kill())
      assert.deepEqual(await ended, [null, 'SIGTERM'])
      assert.equal(
        fake.calls.some(({ member }) => member === 'StopUnit'),
        false,
      )
    })
  },
)

const troubles = [
  [
    'refuses',
    { error: 'org.freedesktop.systemd1.BadUnitSetting', text: 'no such slice' },
    /cannot start the unit.*no such slice/,
  ],
  ['dies', 'hang up', /cannot start the unit.*closed by the other side/],
  ['talks nonsense', 'garbage', /cannot start the unit.*not D-Bus/],
] as const

for (const [what, reply, words] of troubles)
  testAs({ as: ['root'], needs: ['unshare'], skip }, `a systemd that ${what} leaves nothing behind`, async (world) => {
    const broken: FakeOptions['reply'] = ({ member }) =>
      member === 'StartTransientUnit' ? reply : (undefined as never)
    await onStage(world, broken, async ({ usnea, scope }) => {
      const id = world.newId()
      const bundle = await scoped(world, id)
      refused(await usnea('run', '--detach', '--bundle', bundle.path, id), words)
      assert.equal(existsSync(scope(id)), false)
    })
  })

testAs(
  { as: ['root'], needs: ['unshare'], skip },
  'in a frozen cgroup nothing is started, for it would never run, and it stays as it was',
  async (world) => {
    await onStage(world, undefined, async ({ fake, usnea, scope }) => {
      const id = world.newId()
      const bundle = await scoped(world, id)
      const freezer = join(scope(id), 'cgroup.freeze')
      mkdirSync(scope(id), { recursive: true })
      writeFileSync(freezer, '1')
      const args = ['--bundle', bundle.path, id]
      refused(await usnea('run', '--detach', ...args), /container's cgroup unexpectedly frozen/)
      refused(await usnea('create', ...args), /container's cgroup unexpectedly frozen/)
      assert.equal(readFileSync(freezer, 'utf8'), '1\n')
      assert.ok(fake.calls.every(({ member }) => member !== 'StartTransientUnit'))
    })
  },
)

testAs(
  { as: ['root'], needs: ['unshare'], skip },
  'a systemd that has gone is not needed for a delete',
  async (world) => {
    let isGone = false
    const mortal: FakeOptions['reply'] = () => (isGone ? 'hang up' : (undefined as never))
    await onStage(world, mortal, async ({ usnea, scope }) => {
      const id = world.newId()
      const bundle = await scoped(world, id)
      succeeded(await usnea('run', '--detach', '--bundle', bundle.path, id))
      isGone = true
      refused(await usnea('update', '--pids-limit', '30', id), /failed to connect to systemd/)
      succeeded(await usnea('delete', '--force', id))
      assert.equal(existsSync(scope(id)), false)
    })
  },
)

testAs(
  { as: ['root'], needs: ['unshare'], skip },
  "without a bus, and with a path that is none of systemd's, there is one clear error",
  async (world) => {
    const env = { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nonexistent/bus' }
    const call = (path: string) =>
      world.usnea(['--systemd-cgroup', 'run', '--detach', '--bundle', path, world.newId()], { through: booted, env })
    const bundle = await scoped(world, 'x')
    refused(await call(bundle.path), /failed to connect to systemd: \/nonexistent\/bus: .*\/run\/systemd\/private: /)
    const wrong = await world.bundle((config) => Object.assign(config.linux, { cgroupsPath: '/some/where' }))
    refused(await call(wrong.path), /expected cgroupsPath to be of format .*slice:prefix:name/)
    const odd = await world.bundle((config) => {
      config.annotations = { 'org.systemd.property.Slice': "'x.slice'" }
    })
    await onStage(
      world,
      undefined,
      async ({ usnea }) =>
        void refused(await usnea('run', '--bundle', odd.path, world.newId()), /annotations.*is set by usnea/),
    )
  },
)
