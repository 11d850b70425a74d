import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { child, placesAbove, valueAt, without } from '../../../src/spec/pointer.ts'

describe('JSON pointers', () => {
  it('escape the tilde and the slash of a name', () => {
    assert.equal(child('/a', 'b/c~d'), '/a/b~1c~0d')
    assert.equal(child('', 0), '/0')
  })

  it('lead back to the value for any name', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.integer(), (outer, inner, value) => {
        const document = JSON.parse(`{${JSON.stringify(outer)}:{${JSON.stringify(inner)}:${value}}}`)
        assert.equal(valueAt(document, child(child('', outer), inner)), value)
      }),
    )
  })

  it('find nothing outside of the document, nor on its prototype', () => {
    assert.equal(valueAt({ a: [1] }, '/a/1'), undefined)
    assert.equal(valueAt({ a: 1 }, '/a/b/c'), undefined)
    assert.equal(valueAt({}, '/toString'), undefined)
  })

  it('list the places that hold a place', () => {
    assert.deepEqual(placesAbove('/a/b~1c/0'), ['/a', '/a/b~1c', '/a/b~1c/0'])
    assert.deepEqual(placesAbove(''), [])
  })
})

describe('without', () => {
  it('removes members, leaves holes in lists, and does not touch the original', () => {
    const document = { a: [1, 2, 3], b: { c: 1, d: 2 }, e: 1 }
    const copy = without(document, ['/a/1', '/b/c', '/no/such', '/e/deeper']) as typeof document
    assert.deepEqual(Object.keys(copy.a), ['0', '2'])
    assert.deepEqual(copy.b, { d: 2 })
    assert.deepEqual(document, { a: [1, 2, 3], b: { c: 1, d: 2 }, e: 1 })
  })

  it('does not change prototypes through a member named __proto__', () => {
    const document = JSON.parse('{"__proto__":{"x":1,"y":2}}')
    const copy = without(document, ['/__proto__/x']) as object
    assert.equal(JSON.stringify(copy), '{"__proto__":{"y":2}}')
    assert.equal(Object.getPrototypeOf(copy), Object.prototype)
  })

  it('takes many places of one list in one go', () => {
    const list = Array.from({ length: 20_000 }, (_, index) => index)
    const copy = without(
      { list },
      list.map((index) => `/list/${index}`),
    ) as { list: number[] }
    assert.equal(Object.keys(copy.list).length, 0)
  })
})
