import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { makeMissing } from '../../../../src/linux/cgroups/tree.ts'

it('a path of cgroups that cannot be made to its end leaves no directory behind', () => {
  const mount = mkdtempSync(join(tmpdir(), 'usnea-test-'))
  try {
    mkdirSync(join(mount, 'there'))
    const place = { version: 1, controllers: ['name=test'], mount } as const
    assert.throws(() => makeMissing({ ...place, path: `/there/a/b/${'x'.repeat(256)}` }), {
      code: 'cgroup-refused',
      errno: 'ENAMETOOLONG',
    })
    assert.deepEqual(readdirSync(mount, { recursive: true }), ['there'])
    assert.equal(makeMissing({ ...place, path: '/there/a/b' }), 2)
    assert.equal(makeMissing({ ...place, path: '/there/a/b' }), 0)
  } finally {
    rmSync(mount, { recursive: true })
  }
})
