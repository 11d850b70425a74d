import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { checkUsage } from '../../../../src/linux/cgroups/usage.ts'

it('a limit below what is used is refused on v2, and left to the kernel on v1', () => {
  const path = mkdtempSync(join(tmpdir(), 'usnea-test-'))
  try {
    writeFileSync(join(path, 'memory.current'), '1000\n')
    writeFileSync(join(path, 'memory.swap.current'), '500\n')
    const on = (version: 1 | 2) =>
      ({
        manager: 'cgroupfs',
        homes: [{ version, controllers: ['memory'], path, made: 1 }],
        guardsDevices: false,
      }) as const
    assert.throws(() => checkUsage(on(2), { limit: 999 }), /rejecting memory limit 999 < usage 1000/)
    assert.throws(() => checkUsage(on(2), { limit: 1000, swap: 1499 }), /memory\+swap limit 1499 < usage 1500/)
    checkUsage(on(2), { limit: 1000, swap: 1500 })
    checkUsage(on(2), { limit: -1, swap: -1 })
    checkUsage(on(1), { limit: 1 })
  } finally {
    rmSync(path, { recursive: true })
  }
})
