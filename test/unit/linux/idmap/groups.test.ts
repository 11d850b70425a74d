// Who may drop supplementary groups, and what is said where nobody may.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostId } from '../../../../src/base/ids.ts'
import type { Host } from '../../../../src/host/facts.ts'
import { chooseGroups } from '../../../../src/linux/idmap/groups.ts'
import { ALL_CAPABILITIES, aHost, noSubIds, realRoot } from '../../host/literal.ts'

const SETGID = 1n << 6n
const inNamespace = { kept: [], hasNamespace: true }
const one = (inner: number) => ({ inner, outer: inner, size: 1 })

test('root calls setgroups where it stands, with and without a namespace to come', () => {
  assert.deepEqual(chooseGroups(realRoot(), inNamespace), { by: 'setgroups' })
  assert.deepEqual(chooseGroups(realRoot(), { kept: [44], hasNamespace: false }), { by: 'setgroups' })
})

test('a user maps his own id and one subordinate group, under their own numbers', () => {
  assert.deepEqual(chooseGroups(aHost(), inNamespace), {
    by: 'newgidmap',
    maps: { uid: [one(1000)], gid: [one(1000), one(100_000)] },
  })
})

test('what is kept is mapped instead, and our own group stays in a line by itself', () => {
  const { subIds } = aHost()
  const own = [44, 999].map((start) => ({ start, size: 1 }))
  const host = aHost({ subIds: { ...subIds, gids: [...subIds.gids, ...own] } })
  const way = chooseGroups(host, { kept: [44, 999, 1000], hasNamespace: true })
  assert.deepEqual(way, { by: 'newgidmap', maps: { uid: [one(1000)], gid: [one(44), one(999), one(1000)] } })
})

const refusals: readonly [string, Partial<Host>, Parameters<typeof chooseGroups>[1], RegExp][] = [
  ['setgroups is denied around us', { setgroups: 'deny' }, inNamespace, /around us denies setgroups/],
  ['there is no namespace', {}, { kept: [], hasNamespace: false }, /CAP_SETGID, and at level L/],
  [
    'there are no ranges',
    { subIds: noSubIds },
    inNamespace,
    /none in \/etc\/subgid.*--add-subgids 100000-165535 alice/s,
  ],
  ['the helper is missing', { newgidmap: undefined }, inNamespace, /newgidmap was not found/],
  ['no_new_privs is set', { noNewPrivs: true }, inNamespace, /newgidmap has no effect/],
  [
    'the bounding set lacks it',
    { capBounding: ALL_CAPABILITIES & ~SETGID },
    inNamespace,
    /CAP_SETGID.*--cap-add SETGID/s,
  ],
  [
    'a kept one is not ours to map',
    {},
    { kept: [44], hasNamespace: true },
    /does not give 44 to.*--add-subgids 44-44/s,
  ],
  // Capabilities of anybody but user 0 are gone after an execve(2).
  ['only a user has the capability', { capEffective: SETGID, subIds: noSubIds }, inNamespace, /none in \/etc\/subgid/],
]

for (const [title, change, wish, words] of refusals)
  test(`refused with a cause and a fix where ${title}`, () => {
    const way = chooseGroups(aHost(change), wish)
    assert.ok('why' in way)
    assert.match(`${way.why}\n${way.fix}`, words)
  })

test('without newuidmap groups can be dropped all the same', () => {
  const way = chooseGroups(aHost({ newuidmap: undefined }), inNamespace)
  assert.ok('by' in way)
})

test('user 0 without the capability asks the helper', () => {
  const way = chooseGroups(aHost({ uid: hostId(0), capEffective: ALL_CAPABILITIES & ~SETGID }), inNamespace)
  assert.equal('by' in way && way.by, 'newgidmap')
})
