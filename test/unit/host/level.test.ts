import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Host } from '../../../src/host/facts.ts'
import { promisedLevel } from '../../../src/host/level.ts'

const plain = { realRoot: false, rootlessEuid: true, hasUserNamespaces: true, freshProc: true } as Host

it('full rootless needs ranges and a cgroup', () => {
  const level = (ranges: boolean, cgroups: boolean) => promisedLevel(plain, { ranges, cgroups })
  assert.deepEqual([level(true, true), level(true, false), level(false, true)], ['U3', 'U2', 'U1'])
  assert.equal(promisedLevel({ ...plain, freshProc: false }, { ranges: true, cgroups: true }), 'U0')
  assert.equal(promisedLevel({ ...plain, realRoot: true }, { ranges: false, cgroups: false }), 'R')
})
