// Maps of the spec that name ids we may not map: one issue a range, with the command that helps.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkMaps } from '../../../../src/linux/idmap/check.ts'
import type { IdMapping } from '../../../../src/linux/idmap/choose.ts'
import { freeRange, grantCommand } from '../../../../src/linux/idmap/grant.ts'
import { aHost, nestedRoot, noSubIds, realRoot } from '../../host/literal.ts'

const line = (containerID: number, hostID: number, size: number): IdMapping => ({ containerID, hostID, size })
const own = [line(0, 1000, 1)]

test('own id and subordinate ids are ours to map', () => {
  const lines = [...own, line(1, 100_000, 65_536)]
  assert.deepEqual(checkMaps({ uidMappings: lines, gidMappings: lines }, aHost()), [])
})

test('each missing range is an issue with its own command', () => {
  const uidMappings = [...own, line(1, 99_990, 65_556)]
  assert.deepEqual(checkMaps({ uidMappings, gidMappings: own }, aHost()), [
    {
      pointer: '/linux/uidMappings/1',
      message:
        'host uids 99990-99999: not among the subordinate ids of alice; fix: sudo usermod --add-subuids 99990-99999 alice',
      severity: 'error',
    },
    {
      pointer: '/linux/uidMappings/1',
      message:
        'host uids 165536-165545: not among the subordinate ids of alice; fix: sudo usermod --add-subuids 165536-165545 alice',
      severity: 'error',
    },
  ])
})

test('ids of somebody else, and those of the system, are never proposed', () => {
  const taken = [...(aHost().subIds.taken ?? []), { start: 165_536, size: 65_536 }]
  const host = aHost({ subIds: { ...aHost().subIds, taken } })
  const fixes = checkMaps({ uidMappings: [line(0, 0, 1)], gidMappings: [line(0, 200_000, 10)] }, host)
  assert.deepEqual(
    fixes.map(({ pointer, message }) => [pointer, message]),
    [
      [
        '/linux/uidMappings/0',
        'host uid 0: not among the subordinate ids of alice; fix: sudo usermod --add-subuids 231072-231072 alice, and hostID 231072 in the map (the ids asked for are not free)',
      ],
      [
        '/linux/gidMappings/0',
        'host gids 200000-200009: not among the subordinate ids of alice; fix: sudo usermod --add-subgids 231072-231081 alice, and hostID 231072 in the map (the ids asked for are not free)',
      ],
    ],
  )
})

test('root in a user namespace may map what that namespace has', () => {
  const good = [line(0, 0, 65_537)]
  assert.deepEqual(checkMaps({ uidMappings: good, gidMappings: good }, nestedRoot()), [])
  const [issue] = checkMaps({ uidMappings: [line(0, 100_000, 65_536)], gidMappings: good }, nestedRoot())
  assert.equal(
    issue?.message,
    'host uids 100000-165535: not mapped in the user namespace we run in; hostID must be an id of that namespace (0, 1-65536)',
  )
})

test('real root may map anything', () => {
  const all = [line(0, 4_000_000_000, 1000)]
  assert.deepEqual(checkMaps({ uidMappings: all, gidMappings: all }, realRoot()), [])
})

test('a proposed range is the lowest one that nobody has', () => {
  const taken = [
    { start: 165_536, size: 100 },
    { start: 100_000, size: 65_536 },
    { start: 500, size: 10 },
  ]
  assert.deepEqual(freeRange(aHost({ subIds: { ...noSubIds, taken } })), { start: 165_636, size: 65_536 })
  assert.deepEqual(freeRange(aHost({ subIds: noSubIds }), 10), { start: 100_000, size: 10 })
})

test('a gap between two users is used when it is large enough', () => {
  const taken = [
    { start: 100_000, size: 10 },
    { start: 100_020, size: 10 },
  ]
  const host = aHost({ subIds: { ...noSubIds, taken } })
  assert.deepEqual(freeRange(host, 10), { start: 100_010, size: 10 })
  assert.deepEqual(freeRange(host, 11), { start: 100_030, size: 11 })
})

test('the command is ready to paste', () => {
  assert.equal(
    grantCommand(aHost({ subIds: noSubIds })),
    'sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 alice',
  )
  assert.equal(
    grantCommand(aHost({ userName: undefined }), { start: 5, size: 1 }, ['gid']),
    'sudo usermod --add-subgids 5-5 USER',
  )
})
