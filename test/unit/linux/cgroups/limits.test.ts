// Needs nothing: linux.resources as values of cgroup files.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ioWeightOf } from '../../../../src/linux/cgroups/limits/block-io.ts'
import { weightOf } from '../../../../src/linux/cgroups/limits/cpu.ts'
import { checkLimits, checkLimitsHere, limitWrites, unheldLimits } from '../../../../src/linux/cgroups/limits/limits.ts'
import type { Resources } from '../../../../src/spec/types.ts'

/** Everything on one version. */
const on = (version: 1 | 2) => () => version
const lines = (version: 1 | 2, resources: Resources) =>
  limitWrites(resources, on(version), version === 1).flatMap(({ choices }) =>
    choices.slice(0, 1).map(({ file, value }) => `${file}=${value}`),
  )

describe('memory', () => {
  it('of v1 counts memory and swap together, of v2 swap alone', () => {
    const memory = { limit: 100, swap: 250, reservation: 50 }
    assert.deepEqual(lines(1, { memory }), [
      'memory.limit_in_bytes=100',
      'memory.memsw.limit_in_bytes=250',
      'memory.soft_limit_in_bytes=50',
    ])
    assert.deepEqual(lines(2, { memory }), ['memory.swap.max=150', 'memory.max=100', 'memory.low=50'])
  })

  it('unlimited without a word about swap is unlimited swap too', () => {
    assert.deepEqual(lines(1, { memory: { limit: -1 } }), [
      'memory.limit_in_bytes=-1',
      'memory.memsw.limit_in_bytes=-1',
    ])
    assert.deepEqual(lines(2, { memory: { limit: -1 } }), ['memory.swap.max=max', 'memory.max=max'])
  })

  it('as much swap and memory as memory switches swap off', () => {
    assert.deepEqual(lines(2, { memory: { limit: 100, swap: 100 } }), ['memory.swap.max=0', 'memory.max=100'])
  })

  it('sets swappiness and the OOM killer where they exist, and says where they do not', () => {
    const memory = { swappiness: 0, disableOOMKiller: true, kernel: 5 }
    assert.deepEqual(lines(1, { memory }), ['memory.swappiness=0', 'memory.oom_control=1'])
    assert.deepEqual(lines(2, { memory }), [])
    const pointers = (version: 1 | 2) =>
      unheldLimits({ memory }, on(version), version === 1).map(({ pointer }) => pointer)
    assert.deepEqual(pointers(1), ['/linux/resources/memory/kernel'])
    assert.equal(pointers(2).length, 3)
  })

  it('less swap and memory than memory is refused, and on v2 swap without memory', () => {
    const [issue] = checkLimits({ memory: { limit: 100, swap: 50 } })
    assert.equal(issue?.pointer, '/linux/resources/memory/swap')
    assert.equal(checkLimitsHere({ memory: { swap: 50 } }, on(2), false).length, 1)
    assert.equal(checkLimitsHere({ memory: { swap: 50 } }, on(1), true).length, 0)
  })
})

describe('cpu', () => {
  it('shares become a weight through the three points that matter', () => {
    assert.deepEqual([0, 2, 1024, 262_144].map(weightOf), [1, 1, 100, 10_000])
  })

  it('more shares are never less weight, and a weight is always valid', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 262_144 }), fc.integer({ min: 2, max: 262_144 }), (a, b) => {
        const [low, high] = [weightOf(Math.min(a, b)), weightOf(Math.max(a, b))]
        assert.ok(low >= 1 && low <= high && high <= 10_000)
      }),
    )
  })

  it('a quota has a period, and a period alone no quota', () => {
    assert.deepEqual(lines(2, { cpu: { quota: 5000 } }), ['cpu.max=5000 100000'])
    assert.deepEqual(lines(2, { cpu: { quota: -1, period: 50_000 } }), ['cpu.max=max 50000'])
    assert.deepEqual(lines(2, { cpu: { period: 50_000 } }), ['cpu.max=max 50000'])
    assert.deepEqual(lines(1, { cpu: { quota: -1, period: 50_000 } }), [
      'cpu.cfs_period_us=50000',
      'cpu.cfs_quota_us=-1',
    ])
  })

  it('real-time shares go to v1, the period first where the runtime needs it', () => {
    const cpu = { realtimeRuntime: 5000, realtimePeriod: 10_000 }
    assert.deepEqual(lines(1, { cpu }), ['cpu.rt_period_us=10000', 'cpu.rt_runtime_us=5000'])
    assert.deepEqual(lines(2, { cpu }), [])
  })

  it('an idle group gets no shares', () => {
    assert.deepEqual(lines(1, { cpu: { shares: 512, idle: 1 } }), ['cpu.idle=1'])
    assert.deepEqual(lines(2, { cpu: { shares: 1024, idle: 0 } }), ['cpu.idle=0', 'cpu.weight=100'])
  })

  it('a weight beside an idle group is told, and left out of the files too', () => {
    const unified = { 'cpu.idle': '1', 'cpu.weight': '8' }
    assert.deepEqual(lines(2, { unified }), ['cpu.idle=1'])
    assert.deepEqual(lines(2, { unified: { 'cpu.idle': '0', 'cpu.weight': '8' } }), ['cpu.idle=0', 'cpu.weight=8'])
    const told = [{ unified }, { cpu: { shares: 512, idle: 1 } }].flatMap((resources) =>
      unheldLimits(resources, on(2), false),
    )
    assert.deepEqual(
      told.map(({ pointer, loud }) => [pointer, loud]),
      [
        ['/linux/resources/unified/cpu.weight', true],
        ['/linux/resources/cpu/shares', true],
      ],
    )
    assert.deepEqual(unheldLimits({ cpu: { shares: 512, idle: 0 } }, on(2), false), [])
  })

  it('shares out of range and lists that are none are refused', () => {
    const pointers = checkLimits({ cpu: { shares: 1, cpus: '0-', mems: 'x', idle: 2 } }).map(({ pointer }) => pointer)
    assert.deepEqual(
      pointers.map((pointer) => pointer.slice('/linux/resources/cpu/'.length)),
      ['shares', 'idle', 'cpus', 'mems'],
    )
  })
})

describe('the others', () => {
  it('zero processes is one, and no limit is max', () => {
    assert.deepEqual(lines(1, { pids: { limit: 0 } }), ['pids.max=1'])
    assert.deepEqual(lines(2, { pids: { limit: -1 } }), ['pids.max=max'])
    assert.deepEqual(lines(2, { pids: { limit: 7 } }), ['pids.max=7'])
    assert.deepEqual(lines(2, { pids: {} }), [])
  })

  it('block devices are throttled by their numbers', () => {
    const blockIO = {
      throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 5 }],
      throttleWriteIOPSDevice: [{ major: 8, minor: 1, rate: 6 }],
    }
    assert.deepEqual(lines(1, { blockIO }), [
      'blkio.throttle.read_bps_device=8:0 5',
      'blkio.throttle.write_iops_device=8:1 6',
    ])
    assert.deepEqual(lines(2, { blockIO }), ['io.max=8:0 rbps=5', 'io.max=8:1 wiops=6'])
  })

  it('leaves have a weight on v1 alone', () => {
    const blockIO = { leafWeight: 500, weightDevice: [{ major: 8, minor: 0, leafWeight: 20 }] }
    assert.deepEqual(
      limitWrites({ blockIO }, on(1), false).flatMap(({ choices }) => choices ?? []),
      [
        { file: 'blkio.leaf_weight', value: '500' },
        { file: 'blkio.leaf_weight_device', value: '8:0 20' },
      ],
    )
    assert.deepEqual(limitWrites({ blockIO }, on(2), false), [])
  })

  it('a weight goes to BFQ first, and to io.weight on its own scale', () => {
    const [write] = limitWrites({ blockIO: { weight: 1000 } }, on(2), false)
    assert.deepEqual(write?.choices, [
      { file: 'io.bfq.weight', value: '1000' },
      { file: 'io.weight', value: 'default 10000' },
    ])
    assert.deepEqual([10, 1000].map(ioWeightOf), [1, 10_000])
  })

  it('huge pages are limited with their reservations', () => {
    const hugepageLimits = [{ pageSize: '2MB', limit: 4 }]
    assert.deepEqual(lines(1, { hugepageLimits }), [
      'hugetlb.2MB.limit_in_bytes=4',
      'hugetlb.2MB.rsvd.limit_in_bytes=4',
    ])
    assert.deepEqual(lines(2, { hugepageLimits }), ['hugetlb.2MB.max=4', 'hugetlb.2MB.rsvd.max=4'])
    assert.equal(checkLimits({ hugepageLimits: [{ pageSize: '../2MB', limit: 4 }] }).length, 1)
  })

  it('network classes exist on v1 only', () => {
    const network = { classID: 9, priorities: [{ name: 'lo', priority: 3 }] }
    assert.deepEqual(lines(1, { network }), ['net_cls.classid=9', 'net_prio.ifpriomap=lo 3'])
    assert.deepEqual(lines(2, { network }), [])
    assert.equal(unheldLimits({ network }, on(2), false).length, 2)
  })

  it('rdma names what it limits', () => {
    assert.deepEqual(lines(1, { rdma: { mlx: { hcaHandles: 2, hcaObjects: 3 } } }), [
      'rdma.max=mlx hca_handle=2 hca_object=3',
    ])
  })

  it('the largest number of its type stays the largest', () => {
    const most = 2 ** 64 // what JSON.parse makes of 18446744073709551615
    const rate = [{ major: 8, minor: 0, rate: most }]
    const wanted = { hugepageLimits: [{ pageSize: '2MB', limit: most }], blockIO: { throttleReadBpsDevice: rate } }
    assert.deepEqual(new Set(lines(2, wanted).map((line) => line.split('=').at(-1))), new Set(['18446744073709551615']))
    assert.ok(lines(1, wanted).every((line) => line.endsWith('18446744073709551615')))
    assert.deepEqual(lines(1, { cpu: { quota: 2 ** 63 } }), ['cpu.cfs_quota_us=9223372036854775807'])
    assert.deepEqual(lines(2, { memory: { limit: 2 ** 63 - 4096 } }), ['memory.max=9223372036854771712'])
  })

  it('nothing that v2 lacks is dropped in silence, also where its controller was not handed down', () => {
    const asked: Resources = {
      memory: { swappiness: 1, disableOOMKiller: true, useHierarchy: false },
      cpu: { realtimeRuntime: 1, realtimePeriod: 2, shares: 5, idle: 1 },
      network: { classID: 1, priorities: [{ name: 'lo', priority: 1 }] },
      blockIO: { leafWeight: 10 },
    }
    const noted = (hasV1: boolean) =>
      unheldLimits(asked, () => undefined, hasV1).map(({ pointer }) => pointer.slice(17))
    assert.deepEqual(noted(true), ['memory/useHierarchy', 'cpu/shares'])
    assert.equal(noted(false).length, 9, String(noted(false)))
  })

  it('unified with an empty text is written, so that the kernel may refuse it', () => {
    assert.deepEqual(lines(2, { unified: { 'cpuset.cpus': '', 'memory.max': '\n' } }), [
      'cpuset.cpus=\n',
      'memory.max=\n',
    ])
  })

  it('unified is written line by line, and refused where there is v1', () => {
    const unified = { 'io.max': '8:0 rbps=1\n8:1 rbps=2' }
    assert.deepEqual(lines(2, { unified }), ['io.max=8:0 rbps=1', 'io.max=8:1 rbps=2'])
    assert.match(checkLimitsHere({ unified }, on(1), true)[0]?.message ?? '', /^invalid configuration/)
  })

  it('unified reaches no file that moves, freezes or kills', () => {
    for (const key of ['cgroup.procs', 'cgroup.kill', '../memory.max', 'a/b.c', 'memory'])
      assert.equal(checkLimitsHere({ unified: { [key]: '1' } }, on(2), false).length, 1, key)
  })
})
