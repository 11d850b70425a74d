// Needs root, writable cgroups and a static busybox: every controller of this machine is set, read back, changed, removed.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { cgroupOf, ownCgroups, whyNoCgroup } from '../fixtures/cgroups.ts'
import { succeeded, type World } from '../fixtures/world.ts'

interface Row {
  readonly controllers: readonly string[]
  /** The value of linux.resources, first and after the update. */
  readonly resources: readonly [object, object]
  /** Names of the file on v1 and v2. */
  readonly files: readonly [string, string]
  /** What it then holds, on either version. */
  readonly holds: readonly [RegExp, RegExp]
}

/** Some controllers limit a block device, and a machine may have none. */
const disk = /^\s+(\d+)\s+(\d+)\s+\d+ (?!ram|loop|zram)[a-z]+$/m.exec(readFileSync('/proc/partitions', 'utf8'))
const [major, minor] = [Number(disk?.[1]), Number(disk?.[2])]
const rates = (rate: number) => ({ blockIO: { throttleReadBpsDevice: [{ major, minor, rate }] } })
const huge = (limit: number) => ({ hugepageLimits: [{ pageSize: '2MB', limit }] })
const both = availableParallelism() > 1 ? '0-1' : '0'

const rows: readonly Row[] = [
  {
    controllers: ['memory'],
    resources: [{ memory: { limit: 67108864 } }, { memory: { limit: 83886080 } }],
    files: ['memory.limit_in_bytes', 'memory.max'],
    holds: [/^67108864$/, /^83886080$/],
  },
  {
    controllers: ['memory'],
    resources: [{ memory: { reservation: 33554432 } }, { memory: { reservation: 16777216 } }],
    files: ['memory.soft_limit_in_bytes', 'memory.low'],
    holds: [/^33554432$/, /^16777216$/],
  },
  {
    controllers: ['cpu'],
    resources: [{ cpu: { quota: 20000, period: 50000 } }, { cpu: { quota: 25000 } }],
    files: ['cpu.cfs_quota_us', 'cpu.max'],
    holds: [/^20000( 50000)?$/, /^25000( 50000)?$/],
  },
  {
    controllers: ['cpu'],
    resources: [{ cpu: { shares: 1024 } }, { cpu: { shares: 2 } }],
    files: ['cpu.shares', 'cpu.weight'],
    holds: [/^(1024|100)$/, /^(2|1)$/],
  },
  {
    controllers: ['cpuset'],
    resources: [{ cpu: { cpus: '0', mems: '0' } }, { cpu: { cpus: both } }],
    files: ['cpuset.cpus', 'cpuset.cpus'],
    holds: [/^0$/, new RegExp(`^${both}$`)],
  },
  {
    controllers: ['pids'],
    resources: [{ pids: { limit: 30 } }, { pids: { limit: -1 } }],
    files: ['pids.max', 'pids.max'],
    holds: [/^30$/, /^max$/],
  },
  {
    controllers: ['blkio', 'io'],
    resources: disk ? [rates(1048576), rates(2097152)] : [{}, {}],
    files: ['blkio.throttle.read_bps_device', 'io.max'],
    holds: disk
      ? [
          new RegExp(`^${major}:${minor} (rbps=)?1048576( |$)`, 'm'),
          new RegExp(`^${major}:${minor} (rbps=)?2097152( |$)`, 'm'),
        ]
      : [/^$/, /^$/],
  },
  {
    controllers: ['hugetlb'],
    resources: [huge(2097152), huge(4194304)],
    files: ['hugetlb.2MB.limit_in_bytes', 'hugetlb.2MB.max'],
    holds: [/^2097152$/, /^4194304$/],
  },
]

const present = (names: readonly string[]) => names.find((name) => cgroupOf('x', name) !== undefined)
const here = rows.filter(({ controllers }) => {
  const name = present(controllers)
  return name !== undefined && (name !== 'hugetlb' || existsSync('/sys/kernel/mm/hugepages/hugepages-2048kB'))
})

async function started(world: World, resources: object): Promise<string> {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    Object.assign(config.linux, { resources })
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  return id
}

function read(id: string, { controllers, files: [v1, v2] }: Row): string {
  const directory = cgroupOf(id, present(controllers) ?? '') ?? ''
  return readFileSync(join(directory, existsSync(join(directory, v1)) ? v1 : v2), 'utf8').trim()
}

/** All rows as one linux.resources; two rows may be of one section. */
function joined(index: 0 | 1): Record<string, object> {
  const all: Record<string, object> = {}
  for (const { resources } of here)
    for (const [key, value] of Object.entries(resources[index]))
      all[key] = Array.isArray(value) ? value : { ...all[key], ...value }
  return all
}

testAs(
  { as: ['root'], skip: whyNoCgroup() },
  'every controller that is here is set, read back, changed and removed',
  async (world) => {
    assert.ok(here.length > 0)
    const id = await started(world, joined(0))
    for (const row of here) assert.match(read(id, row), row.holds[0], row.files[0])
    const limits = JSON.parse(succeeded(await world.usnea(['limits', '--format', 'json', id])))
    for (const { limit, enforcedBy } of limits)
      if (limit.startsWith('/linux/resources')) assert.equal(enforcedBy, 'cgroup', limit)
    succeeded(await world.usnea(['update', '--resources', '-', id], { input: JSON.stringify(joined(1)) }))
    for (const row of here) assert.match(read(id, row), row.holds[1], row.files[0])
    succeeded(await world.usnea(['delete', '--force', id]))
    for (const { base } of ownCgroups()) assert.ok(!existsSync(join(base, id)), base)
  },
)
