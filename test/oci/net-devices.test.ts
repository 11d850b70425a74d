// Needs a static busybox, root, ip and unshare: network devices of the host move into the container, and back.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { findProgram } from '../fixtures/needs.ts'
import { refused, type World } from '../fixtures/world.ts'

/** The kernel may be built without one kind or the other. */
const kinds: readonly (readonly string[])[] = [
  ['link', 'add', 'uz0', 'type', 'dummy'],
  ['tuntap', 'add', 'dev', 'uz0', 'mode', 'tap'],
]
const make = kinds.find((words) => spawnSync('unshare', ['--net', 'ip', ...words], { stdio: 'ignore' }).status === 0)
const skip =
  findProgram('ip') === undefined
    ? 'needs ip (Debian: iproute2)'
    : make === undefined
      ? 'needs a network device that can be made'
      : undefined
const needs = ['unshare'] as const

interface Trial {
  /** Commands before the runtime, in a network namespace that stands for the host's. */
  readonly before?: string
  readonly after?: string
  readonly verb?: 'run' | 'create'
}

/** Everything happens in a network namespace of its own: the machine's devices are not the test's to move. */
async function tried(world: World, patch: (config: Config) => void, { before = '', after = '', verb = 'run' }: Trial) {
  const bundle = await world.bundle(patch)
  const script = `ip ${make?.join(' ')} && ${before} "$@"; status=$?; ${after} exit $status`
  const through = ['unshare', '--net', 'sh', '-c', script, 'sh']
  return world.usnea([verb, '--bundle', bundle.path, world.newId()], { through })
}

const show = (name: string) => ['ip', 'address', 'show', 'dev', name]

testAs(
  { as: ['root'], needs, skip },
  'a device arrives with its addresses, MTU and hardware address, and is up',
  async (world) => {
    const outcome = await tried(
      world,
      (config) => {
        config.linux.netDevices = { uz0: {} }
        config.process.args = show('uz0')
      },
      {
        before: [
          'ip link set uz0 mtu 1789 address 02:11:22:33:44:55',
          'ip address add 192.0.2.7/24 dev uz0',
          'ip address add 127.0.0.33 dev uz0',
          'ip -6 address add 2001:db8::7/64 dev uz0 nodad;',
        ].join(' && '),
        after: 'ip link show uz0 >&2 2>&1 && echo still here >&2;',
      },
    )
    assert.equal(outcome.status, 0, outcome.stderr)
    assert.match(outcome.stdout, /[<,]UP[,>]/)
    assert.match(outcome.stdout, /mtu 1789/)
    assert.match(outcome.stdout, /02:11:22:33:44:55/)
    assert.match(outcome.stdout, /192\.0\.2\.7\/24/)
    assert.doesNotMatch(outcome.stdout, /127\.0\.0\.33/)
    assert.doesNotMatch(outcome.stderr, /still here/)
  },
)

testAs({ as: ['root'], needs, skip }, 'a device gets the name that it is to have', async (world) => {
  const outcome = await tried(
    world,
    (config) => {
      config.linux.netDevices = { uz0: { name: 'inside0' } }
      config.process.args = show('inside0')
    },
    {},
  )
  assert.equal(outcome.status, 0, outcome.stderr)
  assert.match(outcome.stdout, /inside0/)
})

testAs({ as: ['root'], needs, skip }, 'when the creation fails the device comes back as it was', async (world) => {
  const outcome = await tried(
    world,
    (config) => {
      config.linux.netDevices = { uz0: { name: 'inside0' } }
      config.process.args = ['/no/such/program']
    },
    {
      verb: 'create',
      before: 'ip address add 192.0.2.7/24 dev uz0 && ip link set uz0 up;',
      after: 'ip -o address show dev uz0; ip -o link show dev uz0;',
    },
  )
  assert.equal(outcome.status, 1)
  assert.match(outcome.stdout, /192\.0\.2\.7\/24/)
  assert.match(outcome.stdout, /[<,]UP[,>]/)
})

testAs(
  { as: ['root'], needs, skip },
  'a device that is not there, or cannot be moved, is an error, and the others come back',
  async (world) => {
    for (const [name, words] of [
      [
        'uz9',
        /cannot move the network device uz9 into the container: cannot find it: .*the host has no such network device/,
      ],
      ['lo', /cannot move the network device lo into the container: cannot/],
    ] as const) {
      const outcome = await tried(
        world,
        (config) => {
          config.linux.netDevices = { uz0: {}, [name]: {} }
        },
        { verb: 'create', after: 'ip -o link show dev uz0;' },
      )
      assert.equal(outcome.status, 1)
      assert.match(outcome.stderr, words)
      assert.match(outcome.stdout, /uz0/)
    }
  },
)

testAs({}, 'names that no device can have, and two devices of one name, are refused', async (world) => {
  for (const [devices, words] of [
    [{ 'a/b': {} }, /is not the name of a network device/],
    [{ a: { name: 'much-too-long-name' } }, /is not the name of a network device/],
    [{ a: { name: 'b' }, b: {} }, /two network devices would have the name/],
  ] as const) {
    const bundle = await world.bundle((config) => {
      config.linux.netDevices = { ...devices }
    })
    refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), words)
  }
})

testAs({ as: ['ranges', 'plain'] }, 'without root no device can be moved', async (world) => {
  const bundle = await world.bundle((config) => {
    config.linux.netDevices = { eth0: {} }
  })
  refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /cannot be moved without root/)
})
