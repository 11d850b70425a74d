// Needs /dev/full: what is said when the kernel refuses a write, for every limit and both versions.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isRuntimeError } from '../../../../src/base/errors.ts'
import { applyWrites } from '../../../../src/linux/cgroups/apply.ts'
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
    throttleReadBpsDevice: [{ ...device, rate: 1 }],
    throttleWriteIOPSDevice: [{ ...device, rate: 1 }],
  },
  hugepageLimits: [{ pageSize: '2MB', limit: 0 }],
  network: { classID: 1, priorities: [{ name: 'lo', priority: 1 }] },
  rdma: { mlx: { hcaHandles: 1 } },
}

describe('a write that the kernel refuses', () => {
  for (const version of [1, 2] as const)
    it(`is told with the controller, the file, the errno and the place in config.json, on v${version}`, () => {
      const given = version === 2 ? { ...resources, unified: { 'misc.max': 'x 1' } } : resources
      const writes = limitWrites(given, () => version, version === 1)
      assert.ok(writes.length > 12, `${writes.length} writes`)
      const path = mkdtempSync(join(tmpdir(), 'usnea-apply-'))
      try {
        // Whatever is written to it there is no space: ENOSPC.
        const names = new Set(writes.flatMap(({ choices }) => choices.map(({ file }) => file)))
        for (const name of names) symlinkSync('/dev/full', join(path, name))
        for (const write of writes) {
          const home = { version, controllers: [write.controller], path, made: 0 }
          assert.throws(
            () => applyWrites({ manager: 'cgroupfs', homes: [home], guardsDevices: false }, [write]),
            (error: unknown) => {
              assert.ok(isRuntimeError(error, 'cgroup-limit'), String(error))
              for (const word of [`the ${write.controller} limit`, path, write.choices[0]?.file ?? '', 'no space left'])
                assert.ok(error.message.includes(word), `${error.message} says ${word}`)
              assert.ok(error.message.includes(write.origin), `${error.message} says ${write.origin}`)
              return true
            },
            write.choices[0]?.file,
          )
        }
      } finally {
        rmSync(path, { recursive: true })
      }
    })
})
