// Which ids a container gets, who writes the map, and what is said when it is less than usual.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hostId } from '../../../../src/base/ids.ts'
import type { Host, SubIdRange } from '../../../../src/host/facts.ts'
import { type ChosenMaps, chooseMaps, type IdMapping } from '../../../../src/linux/idmap/choose.ts'
import { missing, whyInvalid } from '../../../../src/linux/idmap/ranges.ts'
import { fitsOneWrite } from '../../../../src/linux/idmap/render.ts'
import { ALL_CAPABILITIES, aHost, nestedRoot, noSubIds, realRoot } from '../../host/literal.ts'

const line = (containerID: number, hostID: number, size: number): IdMapping => ({ containerID, hostID, size })
const both = (...lines: IdMapping[]) => ({ uidMappings: lines, gidMappings: lines })

function chosen(host: Host, wanted?: Parameters<typeof chooseMaps>[1]): ChosenMaps {
  const choice = chooseMaps(host, wanted)
  if ('error' in choice) assert.fail(choice.error.message)
  return choice
}

function refused(host: Host, wanted?: Parameters<typeof chooseMaps>[1]) {
  const choice = chooseMaps(host, wanted)
  return 'error' in choice ? choice.error : assert.fail('expected an error')
}

test('a user with ranges gets container 0 as himself and the ranges from 1 on', () => {
  const range = { inner: 1, outer: 100_000, size: 65_536 }
  assert.deepEqual(chosen(aHost()), {
    uid: [{ inner: 0, outer: 1000, size: 1 }, range],
    gid: [{ inner: 0, outer: 1000, size: 1 }, range],
    method: 'helper',
    denySetgroups: false,
    notes: [],
  })
})

const single = { uid: [{ inner: 0, outer: 1000, size: 1 }], gid: [{ inner: 0, outer: 1000, size: 1 }], method: 'self' }

const lesser: readonly [string, Partial<Host>, RegExp][] = [
  [
    'no ranges',
    { subIds: noSubIds },
    /alice has no range in \/etc\/subuid \(sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 alice\)/,
  ],
  [
    'no gid range',
    { subIds: { ...noSubIds, uids: [{ start: 100_000, size: 65_536 }], source: 'files' } },
    /no range in \/etc\/subgid/,
  ],
  ['no helper', { newgidmap: undefined }, /newgidmap was not found \(sudo apt-get install uidmap/],
  ['no_new_privs', { noNewPrivs: true }, /no_new_privs is set on our process/],
  ['a small bounding set', { capBounding: ALL_CAPABILITIES & ~(1n << 7n) }, /lacks CAP_SETUID \(/],
]
for (const [name, difference, words] of lesser) {
  test(`with ${name} the container gets one id, and a note says why`, () => {
    const { notes, denySetgroups, ...maps } = chosen(aHost(difference))
    assert.deepEqual(maps, single)
    assert.equal(denySetgroups, true)
    assert.match(notes.join(), words)
  })
}

test('where no helper can act, subordinate ids are not even looked up', () => {
  const host = aHost({ noNewPrivs: true })
  Object.defineProperty(host, 'subIds', { get: () => assert.fail('getsubids costs a process') })
  assert.equal(chosen(host).method, 'self')
})

test('several ranges are laid out in their order, and neighbours become one line', () => {
  const uids = [
    { start: 300_000, size: 10 },
    { start: 100_000, size: 5 },
    { start: 100_005, size: 5 },
  ]
  assert.deepEqual(chosen(aHost({ subIds: { uids, gids: uids, source: 'files' } })).uid, [
    { inner: 0, outer: 1000, size: 1 },
    { inner: 1, outer: 300_000, size: 10 },
    { inner: 11, outer: 100_000, size: 10 },
  ])
})

test('a range that holds our own id is used without it', () => {
  const uids = [{ start: 998, size: 5 }]
  assert.deepEqual(chosen(aHost({ subIds: { uids, gids: uids, source: 'files' } })).uid, [
    { inner: 0, outer: 1000, size: 1 },
    { inner: 1, outer: 998, size: 2 },
    { inner: 3, outer: 1001, size: 2 },
  ])
})

test('of more ranges than one write takes, as many as fit are used, and a note says so', () => {
  const uids = Array.from({ length: 400 }, (_, i) => ({ start: 100_000 + 20 * i, size: 10 }))
  const maps = chosen(aHost({ subIds: { uids, gids: [{ start: 100_000, size: 65_536 }], source: 'files' } }))
  assert.equal(fitsOneWrite(maps.uid), true)
  assert.ok(maps.uid.length > 150)
  assert.match(maps.notes.join(), /^\d+ subordinate uid ranges are left out/)
})

test('whatever the ranges, the chosen map is valid, fits, and holds only what is ours', () => {
  const ranges = fc.array(
    fc.record({ start: fc.integer({ min: 900, max: 1200 }), size: fc.integer({ min: 1, max: 40 }) }),
    { minLength: 1, maxLength: 6 },
  )
  fc.assert(
    fc.property(ranges, ranges, (uids, gids) => {
      // readSubIds hands out disjoint ranges.
      const host = aHost({ subIds: { uids: spread(uids), gids: spread(gids), source: 'files' } })
      const maps = chosen(host)
      for (const [map, own, allowed] of [
        [maps.uid, host.uid, host.subIds.uids],
        [maps.gid, host.gid, host.subIds.gids],
      ] as const) {
        assert.equal(whyInvalid(map), undefined)
        assert.equal(fitsOneWrite(map), true)
        const mine = [...allowed, { start: own, size: 1 }]
        assert.deepEqual([map[0]?.inner, map[0]?.outer], [0, own])
        for (const { outer, size } of map) assert.deepEqual(missing({ start: outer, size }, mine), [])
      }
    }),
  )
})

const spread = (ranges: readonly SubIdRange[]) =>
  ranges.map(({ start, size }, i) => ({ start: start + 1000 * i, size }))

test('inside another namespace, ranges that do not exist there are left out', () => {
  const host = aHost({
    inUserNamespace: true,
    uidMap: [{ inner: 0, outer: 100_000, size: 1001 }],
    gidMap: [{ inner: 0, outer: 100_000, size: 1001 }],
  })
  assert.match(chosen(host).notes.join(), /no range in \/etc\/subuid/)
})

test('root in a user namespace copies the own map, line by line as the kernel wants it', () => {
  const map = [
    { inner: 0, outer: 0, size: 1 },
    { inner: 1, outer: 1, size: 65_536 },
  ]
  assert.deepEqual(chosen(nestedRoot()), { uid: map, gid: map, method: 'direct', denySetgroups: false, notes: [] })
  assert.equal(chosen(nestedRoot({ setgroups: 'deny' })).denySetgroups, true)
})

test('root in a user namespace without CAP_SETUID maps only itself', () => {
  const maps = chosen(nestedRoot({ capEffective: 0n }))
  assert.equal(maps.method, 'self')
  assert.match(maps.notes.join(), /lacks CAP_SETUID or CAP_SETGID/)
})

test('real root has to say which ids', () => {
  assert.equal(refused(realRoot()).what, 'User namespaces enabled, but no uid mappings found')
  const maps = chosen(realRoot(), both(line(0, 100_000, 65_536)))
  assert.deepEqual(maps.uid, [{ inner: 0, outer: 100_000, size: 65_536 }])
  assert.equal(maps.method, 'direct')
  assert.equal(maps.denySetgroups, false)
})

test('one map without the other is refused', () => {
  assert.equal(refused(aHost(), { uidMappings: [line(0, 1000, 1)], gidMappings: [] }).origin, '/linux/gidMappings')
  assert.equal(refused(aHost(), { uidMappings: [], gidMappings: [line(0, 1000, 1)] }).origin, '/linux/uidMappings')
})

test('a given map of the own id alone needs no helper', () => {
  const maps = chosen(aHost({ newuidmap: undefined, newgidmap: undefined }), both(line(5, 1000, 1)))
  assert.deepEqual(maps.uid, [{ inner: 5, outer: 1000, size: 1 }])
  assert.equal(maps.method, 'self')
})

test('a given line over the own id and the subordinate ones is cut as newuidmap wants it', () => {
  const host = aHost({
    subIds: { uids: [{ start: 1001, size: 9 }], gids: [{ start: 1001, size: 9 }], source: 'files' },
  })
  assert.deepEqual(chosen(host, both(line(0, 1000, 10))).uid, [
    { inner: 0, outer: 1000, size: 1 },
    { inner: 1, outer: 1001, size: 9 },
  ])
})

test('newgidmap denies setgroups by itself when it maps only the own group', () => {
  const wanted = { uidMappings: [line(0, 1000, 1), line(1, 100_000, 10)], gidMappings: [line(0, 1000, 1)] }
  const maps = chosen(aHost(), wanted)
  assert.equal(maps.method, 'helper')
  assert.equal(maps.denySetgroups, true)
})

test('with CAP_SETUID and CAP_SETGID a plain user writes the map directly', () => {
  const host = aHost({ capEffective: (1n << 6n) | (1n << 7n), newuidmap: undefined })
  assert.equal(chosen(host, both(line(0, 1000, 1), line(1, 5000, 10))).method, 'direct')
})

const useless: readonly [Partial<Host>, string][] = [
  [{ newuidmap: undefined }, 'map-helper-missing'],
  [{ noNewPrivs: true }, 'map-helper-nnp'],
  [{ capBounding: 0n }, 'map-helper-bounding'],
]
for (const [difference, code] of useless) {
  test(`a given map of many ids fails early with ${code}`, () => {
    const error = refused(aHost(difference), both(line(0, 1000, 1), line(1, 100_000, 10)))
    assert.equal(error.code, code)
    assert.equal(error.origin, '/linux/uidMappings')
    assert.ok(error.why && error.fix)
  })
}

test('a map that overlaps, or is too long, is refused before anything is made', () => {
  const overlap = refused(aHost(), both(line(0, 1000, 1), line(0, 100_000, 10)))
  assert.equal(
    overlap.message,
    'the uid map is not valid (/linux/uidMappings); cause: 0 -> 1000 (1) and 0 -> 100000 (10) overlap inside; fix: give every line a size of at least 1 and let no two lines share an id',
  )
  const many = Array.from({ length: 341 }, (_, i) => line(2 * i, 100_000 + 3 * i, 1))
  assert.equal(
    refused(realRoot(), both(...many)).message,
    'the id map is longer than the kernel takes in one write: 341 lines, 4378 bytes, of at most 4095 (/linux/uidMappings); cause: a map may have 340 lines and must be shorter than one page; fix: use fewer, larger ranges',
  )
})

test('a user id of 0 that is not root of anything is no user at all', () => {
  const host = aHost({ uid: hostId(65_534), gid: hostId(65_534), inUserNamespace: true, uidMap: [], gidMap: [] })
  assert.equal(chosen(host).method, 'self')
})
