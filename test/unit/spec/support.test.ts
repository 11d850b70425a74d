import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hasDeviceRules, limitsAsked, unsupported } from '../../../src/spec/support.ts'
import { edited, type Loosened } from './fixtures.ts'

const pointers = (edit: (document: Loosened) => void) => unsupported(edited(edit)).map(({ pointer }) => pointer)
const limits = (resources: object) => limitsAsked(resources).map((p) => p.replace('/linux/resources/', ''))

describe('unsupported', () => {
  it('finds nothing in the templates', () => {
    for (const rootless of [true, false]) assert.deepEqual(unsupported(edited(() => undefined, rootless)), [])
  })

  it('says in one sentence what is missing', () => {
    assert.deepEqual(unsupported(edited((d) => (d.vm = { kernel: { path: '/x' } }))), [
      { pointer: '/vm', message: 'a virtual machine is not supported yet', severity: 'unsupported' },
    ])
  })

  for (const [pointer, edit] of [
    ['/mounts/0/options/0', (d) => (d.mounts[0].options = ['src-nofollow'])],
    ['/vm', (d) => (d.vm = { kernel: { path: '/x' } })],
  ] as [string, (d: Loosened) => void][]) {
    it(`finds ${pointer}`, () => assert.deepEqual(pointers(edit), [pointer]))
  }

  it('takes empty values as no request', () => {
    const empty = (d: Loosened) => {
      d.process.apparmorProfile = d.process.selinuxLabel = d.linux.mountLabel = ''
      d.vm = {}
      d.mounts[0].uidMappings = []
    }
    assert.deepEqual(pointers(empty), [])
  })

  it('ignores the affinity of exec, and takes a terminal of any size', () => {
    const edit = (d: Loosened) =>
      Object.assign(d.process, {
        terminal: true,
        consoleSize: { height: 1, width: 4294967295 },
        execCPUAffinity: { initial: '0' },
      })
    assert.deepEqual(pointers(edit), [])
  })

  it('leaves limits to the cgroup', () => {
    assert.deepEqual(
      pointers((d) => (d.linux.resources = { pids: { limit: 5 } })),
      [],
    )
  })
})

describe('limitsAsked', () => {
  it('finds every limit by its own pointer', () => {
    const resources = {
      memory: { limit: 1, swappiness: 0, disableOOMKiller: true },
      cpu: { shares: 2, quota: 1000, period: 100000, cpus: '0' },
      pids: { limit: 0 },
      blockIO: { weight: 10, throttleReadBpsDevice: [{ major: 1, minor: 1, rate: 5 }] },
      hugepageLimits: [{ pageSize: '2MB', limit: 0 }],
      network: { classID: 1 },
      rdma: { mlx5_1: { hcaHandles: 3 } },
      unified: { 'memory.high': '1' },
    }
    assert.deepEqual(limits(resources), [
      'memory/limit',
      'memory/swappiness',
      'memory/disableOOMKiller',
      'cpu/shares',
      'cpu/quota',
      'cpu/cpus',
      'pids/limit',
      'blockIO/weight',
      'blockIO/throttleReadBpsDevice',
      'network/classID',
      'hugepageLimits',
      'rdma',
      'unified',
    ])
  })

  it('takes what limits nothing as no request', () => {
    const resources = {
      devices: [{ allow: false, access: 'rwm' }],
      memory: { limit: -1, swap: 0, checkBeforeUpdate: true, useHierarchy: true, disableOOMKiller: false },
      cpu: { shares: 0, quota: -1, period: 100000, cpus: '', mems: '' },
      pids: { limit: -1 },
      blockIO: { weight: 0, weightDevice: [] },
      hugepageLimits: [],
      network: {},
      rdma: {},
      unified: {},
      future: { limit: 1 },
    }
    assert.deepEqual(limits(resources), [])
  })
})

describe('device rules', () => {
  it('are seen', () => {
    assert.equal(hasDeviceRules({ devices: [{ allow: true }] }), true)
    assert.equal(hasDeviceRules({ devices: [] }), false)
    assert.equal(hasDeviceRules(), false)
  })
})
