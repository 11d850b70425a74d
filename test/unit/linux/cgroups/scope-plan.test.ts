// Needs nothing: which scope of systemd a container gets, and its limits as properties.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isRuntimeError, RuntimeError } from '../../../../src/base/errors.ts'
import type { Host } from '../../../../src/host/facts.ts'
import { bitsOf, limitProperties, roundedCpu } from '../../../../src/linux/cgroups/limits/properties.ts'
import { deviceProperties } from '../../../../src/linux/cgroups/scope-devices.ts'
import { chooseScope, scopePlaces, wantedUnit, withoutScope } from '../../../../src/linux/cgroups/scope-plan.ts'
import { variant } from '../../../../src/linux/systemd/encode.ts'
import type { ManagerFacts } from '../../../../src/linux/systemd/manager.ts'
import type { Linux, Resources, Spec } from '../../../../src/spec/types.ts'
import { aHost, realRoot } from '../../host/literal.ts'

const v2 = { version: 252, isLegacy: false }
const u64 = (value: bigint) => variant('t', value)
const ALL = 0xffff_ffff_ffff_ffffn
const propertiesOf = (resources: Resources, layout = v2) => Object.fromEntries(limitProperties(resources, layout))

describe('limitProperties', () => {
  it('has the names and units of systemd', () => {
    const device = { major: 8, minor: 0 }
    const resources: Resources = {
      memory: { limit: 1000, swap: 1500, reservation: 500 },
      cpu: { shares: 1024, quota: 50_000, period: 200_000, cpus: '0-2,9', mems: '0' },
      pids: { limit: 7 },
      blockIO: {
        weight: 1000,
        weightDevice: [{ ...device, weight: 10 }],
        throttleReadBpsDevice: [
          { ...device, rate: 5 },
          { ...device, minor: 1, rate: 0 },
        ],
      },
    }
    assert.deepEqual(propertiesOf(resources), {
      MemoryMax: u64(1000n),
      MemoryLow: u64(500n),
      MemorySwapMax: u64(500n),
      CPUWeight: u64(100n),
      CPUQuotaPeriodUSec: u64(200_000n),
      CPUQuotaPerSecUSec: u64(250_000n),
      AllowedCPUs: variant('ay', new Uint8Array([0b111, 0b10])),
      AllowedMemoryNodes: variant('ay', new Uint8Array([1])),
      TasksMax: u64(7n),
      IOWeight: u64(10_000n),
      IODeviceWeight: variant('a(st)', [['/dev/block/8:0', 1n]]),
      IOReadBandwidthMax: variant('a(st)', [
        ['/dev/block/8:0', 5n],
        ['/dev/block/8:1', ALL],
      ]),
    })
  })

  it('has words for no limit, and none for what was not named', () => {
    const lifted = propertiesOf({ memory: { limit: -1 }, cpu: { quota: -1 }, pids: { limit: -1 } })
    assert.deepEqual(lifted, {
      MemoryMax: u64(ALL),
      MemorySwapMax: u64(ALL),
      CPUQuotaPerSecUSec: u64(ALL),
      TasksMax: u64(ALL),
    })
    assert.deepEqual(propertiesOf({ memory: { limit: 0 }, cpu: {}, pids: {} }), {})
    assert.deepEqual(propertiesOf({ pids: { limit: 0 } }), { TasksMax: u64(1n) })
  })

  it('is idle as a weight of zero, where systemd knows that', () => {
    assert.deepEqual(propertiesOf({ cpu: { idle: 1, shares: 1024 } }), { CPUWeight: u64(0n) })
    assert.deepEqual(propertiesOf({ unified: { 'cpu.idle': '1', 'cpu.weight': '8' } }), { CPUWeight: u64(0n) })
    assert.deepEqual(propertiesOf({ cpu: { idle: 1 } }, { ...v2, version: 251 }), {})
  })

  it('has the old names on cgroup v1, and leaves out what old releases do not know', () => {
    const resources: Resources = { memory: { limit: 9 }, cpu: { shares: 5, cpus: '0' }, blockIO: { weight: 500 } }
    const legacy = { version: 252, isLegacy: true }
    assert.deepEqual(propertiesOf(resources, legacy), {
      MemoryLimit: u64(9n),
      CPUShares: u64(5n),
      BlockIOWeight: u64(500n),
    })
    const old = propertiesOf({ cpu: { period: 5000, quota: 5000, cpus: '0' } }, { version: 241, isLegacy: false })
    assert.deepEqual(old, { CPUQuotaPerSecUSec: u64(1_000_000n) })
  })

  it('reads the files of `unified` that it has a property for', () => {
    const unified = {
      'memory.high': ' 5 ',
      'memory.max': 'max',
      'pids.max': '0',
      'cpu.max': '5000 10000',
      'cpu.weight': '7',
      'cpuset.cpus': '1',
      'memory.oom.group': '1',
      'memory.low': 'much',
    }
    assert.deepEqual(propertiesOf({ memory: { limit: 3 }, unified }), {
      MemoryHigh: u64(5n),
      MemoryMax: u64(ALL),
      TasksMax: u64(1n),
      CPUQuotaPeriodUSec: u64(10_000n),
      CPUQuotaPerSecUSec: u64(500_000n),
      CPUWeight: u64(7n),
      AllowedCPUs: variant('ay', new Uint8Array([2])),
    })
    assert.deepEqual(propertiesOf({ unified: { 'cpu.max': 'max' } }), { CPUQuotaPerSecUSec: u64(ALL) })
  })

  it('keeps quotas in whole percents, and so does the cgroup', () => {
    assert.deepEqual(roundedCpu({ quota: 12_345 }), { quota: 13_000 })
    assert.deepEqual(roundedCpu({ quota: 4000, period: 10_000 }), { quota: 4000, period: 10_000 })
    assert.deepEqual(roundedCpu({ quota: -1, period: 10_000 }), { quota: -1, period: 10_000 })
    assert.deepEqual(roundedCpu({ shares: 5 }), { shares: 5 })
  })

  it('makes no more bits than any machine has CPUs', () => {
    assert.equal(bitsOf('0-4294967295').length, 1024)
    assert.equal(bitsOf('4294967295').length, 1)
  })
})

const system: ManagerFacts = { manager: 'system', version: 252, cgroup: '' }
const user: ManagerFacts = { manager: 'user', version: 252, cgroup: '/user.slice/user-1000.slice/user@1000.service' }

interface Case {
  readonly spec?: Partial<Spec>
  readonly host?: Host
  readonly facts?: ManagerFacts
  readonly controllers?: readonly string[]
}

function choose({
  spec,
  host = realRoot({ hasSystemd: true }),
  facts = system,
  controllers = ['cpu', 'memory', 'pids'],
}: Case) {
  const wanted = { spec: { ociVersion: '1.2.0', ...spec }, host }
  const unit = wantedUnit(wanted, 'box')
  const places = scopePlaces(unit, facts, host.cgroup)
  const survey = places.map((place) => ({ place, controllers, missing: 1 }))
  return { ...chooseScope({ ...wanted, id: 'box', unit, facts, survey }), places }
}

describe('chooseScope', () => {
  it('places the scope below its slice, by the defaults of the manager', () => {
    assert.equal(choose({}).places[0]?.path, '/system.slice/usnea-box.scope')
    const mine = choose({ facts: user, host: aHost() })
    assert.equal(mine.places[0]?.path, `${user.cgroup}/user.slice/usnea-box.scope`)
    const named = choose({ spec: { linux: { cgroupsPath: 'a-b.slice:libpod:1' } } })
    assert.equal(named.places[0]?.path, '/a.slice/a-b.slice/libpod-1.scope')
    assert.equal(named.plan?.scope?.unit, 'libpod-1.scope')
    assert.throws(
      () => choose({ spec: { linux: { cgroupsPath: '/a/b' } } }),
      /cgroupsPath to be of format "slice:prefix:name"/,
    )
  })

  it('delegates, counts, and lets annotations have the last word', () => {
    const annotations = { 'org.systemd.property.CollectMode': "'inactive'" }
    const properties = Object.fromEntries(choose({ spec: { annotations } }).plan?.scope?.properties ?? [])
    assert.deepEqual(properties.Delegate, variant('b', true))
    assert.deepEqual(properties.DefaultDependencies, variant('b', false))
    assert.deepEqual(properties.Slice, variant('s', 'system.slice'))
    assert.deepEqual(properties.CollectMode, variant('s', 'inactive'))
    assert.deepEqual(properties.MemoryAccounting, variant('b', true))
    const wrong = { 'org.systemd.property.Slice': "'x.slice'" }
    assert.throws(() => choose({ spec: { annotations: wrong } }), /is set by usnea/)
  })

  it('after a crash only what was not there before is taken away', () => {
    const { plan } = choose({})
    assert.equal(plan?.intended.manager, 'systemd')
    assert.deepEqual(
      plan.intended.homes.map(({ path }) => path),
      ['/sys/fs/cgroup/system.slice/usnea-box.scope'],
    )
  })

  it('writes the quota that systemd keeps', () => {
    const { plan } = choose({ spec: { linux: { resources: { cpu: { quota: 12_345 } } } } })
    assert.deepEqual(
      plan?.writes.map(({ choices }) => choices[0]?.value),
      ['13000 100000'],
    )
  })

  it('names the controller that was not handed to the user, and the file that does it', () => {
    const linux = { resources: { cpu: { cpus: '0' } } }
    const refusal = () => choose({ spec: { linux }, host: aHost(), facts: user })
    assert.throws(
      refusal,
      /cannot set cpu limit.*the cpuset controller is not handed to your systemd user manager.*Delegate=cpu cpuset io memory pids/,
    )
    const legacy = aHost({ cgroup: { ...aHost().cgroup, layout: 'hybrid', hierarchies: [] } })
    assert.throws(() => choose({ spec: { linux }, host: legacy, facts: user }), /on cgroup v1 no controller is handed/)
    assert.throws(() => choose({ spec: { linux } }), /the cpuset controller cannot be had here/)
  })

  it('without a manager the container stays where it is only when nothing was asked', () => {
    const why = new RuntimeError('systemd-unreachable')
    const stays = (linux: Linux, host = aHost()) => withoutScope({ spec: { ociVersion: '1.2.0', linux }, host }, why)
    assert.equal(stays({}).plan, undefined)
    const isWhy = (error: unknown) => isRuntimeError(error, 'systemd-unreachable')
    assert.throws(() => stays({ cgroupsPath: 'a.slice:b:c' }), isWhy)
    assert.throws(() => stays({ resources: { pids: { limit: 1 } } }), isWhy)
    assert.throws(() => stays({}, realRoot()), isWhy)
  })
})

describe('device rules on cgroup v1', () => {
  it('are told to systemd, so that it does not write over them', () => {
    const null_ = { type: 'c', major: 1, minor: 3, access: 'rwm' } as const
    const properties = Object.fromEntries(
      deviceProperties({
        default: 'deny',
        exceptions: [
          null_,
          { type: 'b', major: -1, minor: -1, access: 'm' },
          { ...null_, major: 136, minor: -1 },
          { ...null_, major: 7, minor: -1 },
        ],
      }),
    )
    assert.deepEqual(properties, {
      DevicePolicy: variant('s', 'strict'),
      DeviceAllow: variant('a(ss)', [
        ['/dev/char/1:3', 'rwm'],
        ['block-*', 'm'],
        ['char-pts', 'rwm'],
      ]),
    })
    assert.deepEqual(deviceProperties({ default: 'allow', exceptions: [] }), [])
  })

  it('that systemd cannot keep are told', () => {
    const host = realRoot({ cgroup: { ...aHost().cgroup, layout: 'v1' } })
    const devices = [
      { allow: true, access: 'rwm' },
      { allow: false, type: 'c', major: 7, minor: 7, access: 'r' },
    ] as const
    const { degradations } = choose({ spec: { linux: { resources: { devices } } }, host, controllers: ['devices'] })
    assert.match(degradations[0]?.message ?? '', /lost when systemd reloads/)
  })
})
