import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { distance, nearest } from '../../../src/base/nearest.ts'

const verbs = ['create', 'delete', 'exec', 'features', 'kill', 'list', 'run', 'spec', 'start', 'state']

it('a slip of the fingers leads to the name that was meant', () => {
  const slips = { crate: 'create', sttae: 'state', delte: 'delete', lists: 'list', strat: 'start', kil: 'kill' }
  for (const [typed, meant] of Object.entries(slips)) assert.equal(nearest(typed, verbs), meant)
})

it('something quite different leads nowhere', () => {
  assert.equal(nearest('npm', verbs), undefined)
  assert.equal(nearest('zzzzzzzz', verbs), undefined)
  assert.equal(nearest('create', []), undefined)
})

it('the distance is a metric of equal words and symmetric ones', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      assert.equal(distance(a, a), 0)
      assert.equal(distance(a, b), distance(b, a))
      assert.ok(distance(a, b) <= Math.max(a.length, b.length))
      assert.ok(distance(a, b) >= Math.abs(a.length - b.length))
    }),
  )
})

it('swapped neighbours are one slip', () => {
  assert.equal(distance('strat', 'start'), 1)
  assert.equal(distance('ab', 'ba'), 1)
})
