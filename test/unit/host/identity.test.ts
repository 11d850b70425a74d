// Who we are: status, id maps, the two facts of rootlessness.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { decideRootless, parseRootless, type RootlessQuestion } from '../../../src/host/rootless.ts'
import { chooseHome } from '../../../src/host/session.ts'
import { parseStatus } from '../../../src/host/status.ts'
import { isInitialMap, parseIdMap } from '../../../src/host/userns.ts'

test('the effective ids, not the real ones, are read from the status', () => {
  const status = parseStatus(
    'Name:\tnode\nUid:\t1000\t0\t0\t0\nGid:\t1000\t4\t4\t4\nGroups:\t4 24 27 \nCapEff:\t00000000000000c0\nCapBnd:\t000001ffffffffff\nNoNewPrivs:\t1\nSeccomp:\t2\n',
  )
  assert.deepEqual(status, {
    uid: 0,
    gid: 4,
    groups: [4, 24, 27],
    noNewPrivs: true,
    seccomp: 2,
    capEffective: 0xc0n,
    capBounding: 0x1ff_ffff_ffffn,
  })
})

test('a status that cannot be read grants nothing and keeps the ids of the process', () => {
  const status = parseStatus('')
  assert.equal(status.uid, process.geteuid?.())
  assert.equal(status.capBounding, 0n)
  assert.equal(status.noNewPrivs, false)
  assert.deepEqual(status.groups, [])
})

test('only the one full line is the initial user namespace', () => {
  assert.equal(isInitialMap(parseIdMap('         0          0 4294967295\n')), true)
  assert.equal(isInitialMap(parseIdMap('0 0 4294967294\n')), false)
  assert.equal(isInitialMap(parseIdMap('0 0 1000\n1000 1000 4294966295\n')), false)
  assert.equal(isInitialMap(parseIdMap('0 1000 1\n')), false)
  assert.equal(isInitialMap([]), false, 'a namespace that nobody has mapped yet')
})

test('lines that are no map are passed over', () => {
  assert.deepEqual(parseIdMap('0 1000 1\nnonsense\n\n1 100000 65536'), [
    { inner: 0, outer: 1000, size: 1 },
    { inner: 1, outer: 100_000, size: 65_536 },
  ])
})

const question: RootlessQuestion = {
  uid: 1000,
  inUserNamespace: false,
  flag: 'auto',
  systemdCgroup: false,
  ownsUserManager: () => assert.fail('not to be asked'),
}

test('a plain user is rootless in both senses, also with --systemd-cgroup', () => {
  for (const systemdCgroup of [false, true]) {
    assert.deepEqual(decideRootless({ ...question, systemdCgroup }), {
      realRoot: false,
      rootlessEuid: true,
      rootlessCgroups: true,
    })
  }
})

test('real root is rootless in no sense', () => {
  assert.deepEqual(decideRootless({ ...question, uid: 0 }), {
    realRoot: true,
    rootlessEuid: false,
    rootlessCgroups: false,
  })
})

test('root in a user namespace tolerates cgroup errors and nothing else', () => {
  assert.deepEqual(decideRootless({ ...question, uid: 0, inUserNamespace: true }), {
    realRoot: false,
    rootlessEuid: false,
    rootlessCgroups: true,
  })
})

test('root in a user namespace with --systemd-cgroup is strict only with a user manager of its own', () => {
  for (const owns of [true, false]) {
    const answer = decideRootless({
      ...question,
      uid: 0,
      inUserNamespace: true,
      systemdCgroup: true,
      ownsUserManager: () => owns,
    })
    assert.equal(answer.rootlessCgroups, !owns)
  }
})

test('--rootless decides about cgroups and never about the effective uid', () => {
  assert.deepEqual(decideRootless({ ...question, flag: false }), {
    realRoot: false,
    rootlessEuid: true,
    rootlessCgroups: false,
  })
  assert.deepEqual(decideRootless({ ...question, uid: 0, flag: true }), {
    realRoot: true,
    rootlessEuid: false,
    rootlessCgroups: true,
  })
})

test('--rootless takes auto in any case and the boolean words of Go, and nothing else', () => {
  for (const text of ['', 'auto', 'AUTO', 'Auto']) assert.equal(parseRootless(text), 'auto')
  for (const text of ['1', 't', 'T', 'TRUE', 'true', 'True']) assert.equal(parseRootless(text), true)
  for (const text of ['0', 'f', 'F', 'FALSE', 'false', 'False']) assert.equal(parseRootless(text), false)
  for (const text of ['tRUE', 'yes', 'no', 'on', '2', ' true']) assert.equal(parseRootless(text), undefined)
})

test('the home is that of the variable, where it is one; a system account has no other', () => {
  const here = mkdtempSync(join(tmpdir(), 'usnea-home-'))
  assert.equal(chooseHome(here, '/nonexistent'), here)
  for (const wrong of [undefined, '', 'relative', join(here, 'missing')]) assert.equal(chooseHome(wrong, '/a'), '/a')
  rmSync(here, { recursive: true })
})
