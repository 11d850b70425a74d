import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Host } from '../../../src/host/facts.ts'
import { promisedLevel, promisedSandboxLevel } from '../../../src/host/level.ts'

const plain = {
  realRoot: false,
  rootlessEuid: true,
  hasUserNamespaces: true,
  freshProc: true,
  capEffective: 0n,
} as Host
const root = { ...plain, rootlessEuid: false, capEffective: (1n << 21n) | (1n << 12n) }

it('full rootless needs ranges and a cgroup', () => {
  const level = (ranges: boolean, cgroups: boolean) => promisedLevel(plain, { ranges, cgroups })
  assert.deepEqual([level(true, true), level(true, false), level(false, true)], ['U3', 'U2', 'U1'])
  assert.equal(promisedLevel({ ...plain, freshProc: false }, { ranges: true, cgroups: true }), 'U0')
  assert.equal(promisedLevel({ ...root, realRoot: true }, { ranges: false, cgroups: false }), 'R')
})

it('user 0 without CAP_SYS_ADMIN and CAP_NET_ADMIN, as engines start it, is no more than anybody else', () => {
  const weak = { ...root, realRoot: true, capEffective: 0n }
  assert.equal(promisedLevel(weak, { ranges: true, cgroups: false }), 'U2')
  assert.equal(promisedLevel({ ...weak, realRoot: false }, { ranges: false, cgroups: false }), 'U1')
  assert.equal(promisedLevel({ ...weak, capEffective: 1n << 21n }, { ranges: false, cgroups: false }), 'U1')
  assert.equal(promisedLevel(root, { ranges: false, cgroups: false }), 'N')
})

it('a sandbox of real root makes a user namespace, in which a covered /proc stays', () => {
  assert.equal(promisedSandboxLevel({ ...root, realRoot: true }), 'R')
  assert.equal(promisedSandboxLevel({ ...root, realRoot: true, freshProc: false }), 'U0')
  assert.equal(promisedSandboxLevel(plain), 'U1')
})
