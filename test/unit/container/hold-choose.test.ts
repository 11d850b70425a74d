/** Which way limits are held, on trees that are plain files: cgroup v2 as systemd hands it down. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Amounts } from '../../../src/container/hold/amounts.ts'
import { chooseWay, type Question } from '../../../src/container/hold/choose.ts'
import { expected } from '../../../src/container/hold/watchdog.ts'
import type { Host } from '../../../src/host/facts.ts'
import { aHost, realRoot } from '../host/literal.ts'

const tree = mkdtempSync(join(tmpdir(), 'usnea-hold-'))
after(() => rmSync(tree, { recursive: true, force: true }))

/** A cgroup as far as our look at it goes. */
function group(path: string, controllers: string): void {
  mkdirSync(join(tree, path), { recursive: true })
  writeFileSync(join(tree, path, 'cgroup.controllers'), `${controllers}\n`)
  writeFileSync(join(tree, path, 'cgroup.procs'), '')
}
group('', 'cpuset cpu io memory pids')
group('user.slice', 'memory pids')
group('user.slice/session.scope', 'memory pids')

const ownPath = '/user.slice/session.scope'
const kernel = { release: '6.1', major: 6, minor: 1 }
const hierarchies = [{ version: 2, controllers: [], target: tree, ownPath }] as const
const cgroup: Host['cgroup'] = { layout: 'v2', unified: tree, ownPath, writable: true, hierarchies }
const host = realRoot({ kernel, cgroup, hasSystemd: false })
const none: Partial<Host> = { kernel, cgroup: { ...cgroup, layout: 'none', hierarchies: [] }, hasSystemd: false }
const without = realRoot(none)
const user = aHost(none)

const choose = (amounts: Amounts, change: Partial<Question> = {}) =>
  chooseWay({ amounts, host, level: 'U1', needsCgroup: false, mayBeLoose: false, ...change })
const placeOf = (amounts: Amounts) =>
  choose(amounts)?.survey.map(({ place }) => place.path.replace(/usnea-box-.*/, 'ours'))
const heldBy = (amounts: Amounts, change: Partial<Question>) => {
  const way = choose(amounts, change)
  return way && expected(way).map(({ limit, enforcedBy }) => `${limit} ${enforcedBy}`)
}

test('nothing is held where nothing is asked', () => assert.equal(choose({}), undefined))

test('root finds the controllers beside itself, else at the top', () => {
  assert.deepEqual(placeOf({ memory: 2 ** 30, pids: 5 }), ['/user.slice/ours'])
  assert.deepEqual(placeOf({ memory: 2 ** 30, cpus: 1 }), ['/ours'])
})

test('without a cgroup rlimit and watchdog stand in, by level and user', () => {
  const both = { memory: 2 ** 30, pids: 5 }
  assert.deepEqual(heldBy(both, { host: user }), ['memory watchdog', 'pids rlimit'])
  assert.deepEqual(heldBy(both, { host: user, level: 'L' }), ['memory watchdog', 'pids watchdog'])
  assert.deepEqual(heldBy(both, { host: user, isShared: true }), ['memory watchdog', 'pids watchdog'])
  assert.deepEqual(heldBy(both, { host: without }), ['memory watchdog', 'pids watchdog'])
  const old = aHost({ ...none, kernel: { release: '5.10', major: 5, minor: 10 } })
  assert.deepEqual(heldBy(both, { host: old }), ['memory watchdog', 'pids watchdog'])
})

test('what nothing holds is refused with the way to get it, unless it was accepted', () => {
  assert.throws(() => choose({ cpus: 1 }, { host: user }), { code: 'policy-unenforceable', origin: 'cpus' })
  assert.throws(() => choose({ cpus: 1 }, { host: user }), /--accept limits/)
  assert.deepEqual(heldBy({ cpus: 1 }, { host: user, mayBeLoose: true }), ['cpus nothing'])
  assert.throws(() => choose({ pids: 1 }, { host: user, needsCgroup: true, mayBeLoose: true }), { origin: 'require' })
})
