/** A list of denials is bounded, and what it has no room for is counted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DenialList } from '../../../../src/sandbox/denials/list.ts'
import type { Denial } from '../../../../src/sandbox/denials/shape.ts'

const MOST_KEPT = 20_480
const time = '2026-11-28T16:46:52.039Z'
const look = (path: string): Denial => ({
  time,
  verdict: 'refused',
  kind: 'file',
  action: 'look',
  path,
  rule: 'hidden',
})
const connect = (port: number): Denial => ({
  time,
  verdict: 'refused',
  kind: 'network',
  action: 'tcp',
  port,
  rule: 'a',
})
const lost = (action: string, count: number): Denial => ({
  ...{ time, verdict: 'refused', kind: 'lost', rule: 'log' },
  ...{ action, count },
})

function full(): DenialList {
  const list = new DenialList()
  for (let n = 0; n < MOST_KEPT; n++) list.add(look(`/${n}`))
  return list
}

const lostOf = (list: DenialList) =>
  list.all.flatMap(({ kind, action, count }) => (kind === 'lost' ? [[action, count]] : []))

test('a flood is cut short, and what is beyond is counted by kind', () => {
  const list = full()
  assert.deepEqual(lostOf(list), [])
  for (let n = 0; n < 30; n++) list.add(look(`/more/${n}`))
  for (let n = 0; n < 7; n++) list.add(connect(n))
  assert.equal(list.all.length, MOST_KEPT + 2)
  assert.deepEqual(lostOf(list), [
    ['file', 30],
    ['network', 7],
  ])
})

test('what the observer lost has room in a full list, and is added to', () => {
  const list = full()
  list.add(look('/more'))
  list.add(lost('file', 100))
  list.add(lost('call', 5))
  assert.deepEqual(lostOf(list), [
    ['file', 101],
    ['call', 5],
  ])
})

test('a repeat is no other thing: neither of what is known, nor of what was lost', () => {
  const list = full()
  list.add(look('/0'))
  list.add(look('/more'))
  list.add({ ...look('/more'), count: 9 })
  assert.equal(list.all[0]?.count, 2)
  assert.deepEqual(lostOf(list), [['file', 1]])
})
