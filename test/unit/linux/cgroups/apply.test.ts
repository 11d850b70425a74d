// Needs /dev/full and /proc: what is said when the kernel refuses a write, for every limit and both versions.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isRuntimeError } from '../../../../src/base/errors.ts'
import { applyWrites } from '../../../../src/linux/cgroups/apply.ts'
import { notHeld } from '../../../../src/linux/cgroups/limits/held.ts'
import { limitWrites } from '../../../../src/linux/cgroups/limits/limits.ts'
import type { Resources } from '../../../../src/spec/types.ts'

const device = { major: 8, minor: 0 }
const resources: Resources = {
  memory: { limit: 1 << 26, reservation: 1 << 25, swap: 1 << 27, swappiness: 1, disableOOMKiller: true },
  cpu: {
    shares: 2,
    quota: 1000,
    period: 2000,
    burst: 10,
    realtimeRuntime: 1,
    realtimePeriod: 2,
    idle: 1,
    cpus: '0',
    mems: '0',
  },
  pids: { limit: 3 },
  blockIO: {
    weight: 10,
    leafWeight: 10,
    weightDevice: [{ ...device, weight: 10, leafWeight: 10 }],
    throttleWriteBpsDevice: [{ ...device, rate: 1 }],
    throttleReadIOPSDevice: [{ ...device, rate: 1 }],
    throttleReadBpsDevice: [{ ...device, rate: 1 }],
    throttleWriteIOPSDevice: [{ ...device, rate: 1 }],
  },
  hugepageLimits: [{ pageSize: '2MB', limit: 0 }],
  network: { classID: 1, priorities: [{ name: 'lo', priority: 1 }] },
  rdma: { mlx: { hcaHandles: 1 } },
}

/** Files that refuse every write, each with an errno of the kernel. */
const refusing = [
  ['ENOSPC', '/dev/full', 'no space left on device'],
  ['EINVAL', '/proc/self/attr/current', 'invalid argument'],
  ['EACCES', '/proc/sys/kernel/ostype', 'permission denied'],
  ['EPERM', '/proc/self/uid_map', 'operation not permitted'],
] as const

describe('a write that the kernel refuses', () => {
  for (const version of [1, 2] as const)
    it(`is told with the controller, the file, the errno and the place in config.json, on v${version}`, () => {
      const given = version === 2 ? { ...resources, unified: { 'misc.max': 'x 1' } } : resources
      const writes = limitWrites(given, () => version, version === 1)
      assert.ok(writes.length > 12, `${writes.length} writes`)
      for (const [errno, file, words] of refusing) {
        const path = mkdtempSync(join(tmpdir(), 'usnea-apply-'))
        try {
          const names = new Set(writes.flatMap(({ choices }) => choices.map((choice) => choice.file)))
          for (const name of names) symlinkSync(file, join(path, name))
          for (const write of writes) {
            const home = { version, controllers: [write.controller], path, made: 0 }
            const record = { manager: 'cgroupfs', homes: [home], guardsDevices: false } as const
            assert.throws(
              () => applyWrites(record, [write]),
              (error: unknown) => {
                assert.ok(isRuntimeError(error, 'cgroup-limit'), String(error))
                assert.equal(error.errno, errno)
                for (const word of [
                  `the ${write.controller} limit`,
                  path,
                  write.choices[0]?.file ?? '',
                  words,
                  write.origin,
                ])
                  assert.ok(error.message.includes(word), `${error.message} says ${word}`)
                assert.match(error.message, /; cause: .*; fix: /)
                return true
              },
            )
          }
        } finally {
          rmSync(path, { recursive: true })
        }
      }
    })
})

describe('a value of cpuset that v2 takes and does not go by', () => {
  const held = (file: string, value: string, now: string) => notHeld({ file, value }, () => now)

  it('is one of which nothing can be had', () => {
    assert.match(held('cpuset.cpus', '2-3', '0-1\n') ?? '', /all that the cgroup above has: 0-1/)
    assert.match(held('cpuset.mems', '1', '0') ?? '', /none of it can be had/)
    assert.equal(held('cpuset.cpus', '0-3', '0-1'), undefined, 'less than was asked for is no more')
    assert.equal(held('cpuset.cpus', ' 0,1\n', '0-1'), undefined)
    assert.equal(held('cpuset.cpus', '\n', '0-1'), undefined, 'those of the cgroup above were asked for')
    assert.equal(held('cpu.max', '5', '7'), undefined)
  })

  it('is a partition that cannot be', () => {
    const now = 'root invalid (Parent is not a partition root)\n'
    assert.match(held('cpuset.cpus.partition', 'root', now) ?? '', /the kernel says: root invalid \(Parent/)
    assert.equal(held('cpuset.cpus.partition', 'isolated', 'isolated\n'), undefined)
  })

  it('is refused when it is written', () => {
    const path = mkdtempSync(join(tmpdir(), 'usnea-apply-'))
    try {
      for (const [name, text] of [
        ['cpuset.cpus', ''],
        ['cpuset.cpus.effective', '0-1'],
      ] as const)
        writeFileSync(join(path, name), text)
      const home = { version: 2, controllers: ['cpuset'], path, made: 0 } as const
      const record = { manager: 'cgroupfs', homes: [home], guardsDevices: false } as const
      const write = (cpus: string) =>
        applyWrites(
          record,
          limitWrites({ cpu: { cpus } }, () => 2, false),
        )
      write('0-3')
      assert.throws(
        () => write('5'),
        /cannot set the cpuset limit: "5" in .* does not hold.*\/linux\/resources\/cpu\/cpus/,
      )
    } finally {
      rmSync(path, { recursive: true })
    }
  })
})
