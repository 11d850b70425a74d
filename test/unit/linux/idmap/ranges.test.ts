// Arithmetic of id maps: merging, splitting, looking ids up, and what the kernel takes in one write.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { IdRange } from '../../../../src/host/facts.ts'
import {
  clip,
  idsOf,
  isMapped,
  isolate,
  mergeRanges,
  missing,
  splitAtParent,
  toInner,
  toOuter,
  whyInvalid,
} from '../../../../src/linux/idmap/ranges.ts'
import { fitsOneWrite, helperArguments, mapText } from '../../../../src/linux/idmap/render.ts'

const r = (inner: number, outer: number, size: number): IdRange => ({ inner, outer, size })

/** Maps without overlaps, in any order: gaps and sizes laid out one after the other on both sides. */
const anyMap = fc
  .array(fc.record({ gap: fc.nat(2), outerGap: fc.nat(2), size: fc.integer({ min: 1, max: 6 }) }), { maxLength: 8 })
  .map((parts) => {
    let [inner, outer] = [0, 1000]
    return parts.map(({ gap, outerGap, size }) => {
      const range = r(inner + gap, outer + outerGap, size)
      inner += gap + size
      outer += outerGap + size
      return range
    })
  })
  .chain((ranges) => fc.shuffledSubarray(ranges, { minLength: ranges.length }))

/** Every pair of ids of a map. */
const pairs = (ranges: readonly IdRange[]) =>
  new Set(
    ranges.flatMap(({ inner, outer, size }) => Array.from({ length: size }, (_, i) => `${inner + i}>${outer + i}`)),
  )

test('merging keeps every pair of ids and leaves no neighbours', () => {
  fc.assert(
    fc.property(anyMap, (ranges) => {
      const merged = mergeRanges(ranges)
      assert.deepEqual(pairs(merged), pairs(ranges))
      for (const [i, range] of merged.entries()) {
        const next = merged[i + 1]
        if (next) assert.ok(next.inner !== range.inner + range.size || next.outer !== range.outer + range.size)
      }
    }),
  )
})

test('400 neighbouring ranges become one line, and 100 that are none stay 100', () => {
  const neighbours = Array.from({ length: 400 }, (_, i) => r(i, 100_000 + i, 1))
  assert.deepEqual(mergeRanges(neighbours.toReversed()), [r(0, 100_000, 400)])
  const scattered = Array.from({ length: 100 }, (_, i) => r(2 * i, 100_000 + 3 * i, 1))
  assert.equal(mergeRanges(scattered).length, 100)
})

test('the line of our own id stays alone for newuidmap', () => {
  assert.deepEqual(mergeRanges([r(0, 1000, 1), r(1, 1001, 9)], 1000), [r(0, 1000, 1), r(1, 1001, 9)])
  assert.deepEqual(mergeRanges([r(0, 999, 1), r(1, 1000, 1), r(2, 1001, 9)], 1000), [
    r(0, 999, 1),
    r(1, 1000, 1),
    r(2, 1001, 9),
  ])
})

test('isolating an id cuts its line in at most three and keeps every pair', () => {
  assert.deepEqual(isolate([r(0, 100, 10)], 104), [r(0, 100, 4), r(4, 104, 1), r(5, 105, 5)])
  assert.deepEqual(isolate([r(0, 100, 10)], 100), [r(0, 100, 1), r(1, 101, 9)])
  assert.deepEqual(isolate([r(0, 100, 10)], 110), [r(0, 100, 10)])
  fc.assert(
    fc.property(anyMap, fc.integer({ min: 990, max: 1060 }), (ranges, id) => {
      assert.deepEqual(pairs(isolate(ranges, id)), pairs(ranges))
    }),
  )
})

test('a line that needs two lines of the parent is cut where the first one ends', () => {
  const parent = [r(0, 1000, 1), r(1, 100_000, 65_535)]
  assert.deepEqual(splitAtParent([r(0, 0, 65_536)], parent), [r(0, 0, 1), r(1, 1, 65_535)])
  assert.deepEqual(splitAtParent([r(5, 10, 5)], parent), [r(5, 10, 5)])
})

test('splitting keeps every pair, also of ids that the parent does not have', () => {
  fc.assert(
    fc.property(anyMap, anyMap, (ranges, parent) => {
      const shifted = parent.map(({ inner, outer, size }) => r(inner + 1000, outer, size))
      assert.deepEqual(pairs(splitAtParent(ranges, shifted)), pairs(ranges))
    }),
  )
})

test('an id that is inside maps to one outside and back, and the end of a range is outside of it', () => {
  const map = [r(0, 1000, 1), r(1, 100_000, 10)]
  assert.equal(toOuter(map, 0), 1000)
  assert.equal(toOuter(map, 10), 100_009)
  assert.equal(toOuter(map, 11), undefined)
  assert.equal(isMapped(map, 10), true)
  assert.equal(isMapped(map, 11), false)
  assert.equal(toInner(map, 100_009), 10)
  assert.equal(toInner(map, 100_010), undefined)
})

test('what the kernel answers with EINVAL is found before', () => {
  assert.equal(whyInvalid([r(0, 1000, 1), r(1, 100_000, 65_536)]), undefined)
  assert.match(whyInvalid([r(0, 0, 0)]) ?? '', /size of zero/)
  assert.match(whyInvalid([r(0, 4_294_967_290, 6)]) ?? '', /highest id/)
  assert.equal(whyInvalid([r(0, 4_294_967_290, 5)]), undefined)
  assert.match(whyInvalid([r(0, 0.5, 1)]) ?? '', /highest id/)
  assert.match(whyInvalid([r(0, 10, 5), r(4, 100, 5)]) ?? '', /overlap inside/)
  assert.match(whyInvalid([r(0, 10, 5), r(20, 14, 5)]) ?? '', /overlap outside/)
})

test('missing names the parts that nobody allows', () => {
  const allowed = [
    { start: 100, size: 10 },
    { start: 120, size: 10 },
  ]
  assert.deepEqual(missing({ start: 95, size: 40 }, allowed), [
    { start: 95, size: 5 },
    { start: 110, size: 10 },
    { start: 130, size: 5 },
  ])
  assert.deepEqual(missing({ start: 100, size: 10 }, allowed), [])
})

test('clipping keeps the order of the ranges', () => {
  const ranges = [
    { start: 500, size: 10 },
    { start: 0, size: 10 },
  ]
  assert.deepEqual(clip(ranges, [r(0, 7, 5), r(505, 9, 100)]), [
    { start: 505, size: 5 },
    { start: 0, size: 5 },
  ])
})

test('the text of a map has a line a range, and the helper three arguments a range', () => {
  const map = [r(0, 1000, 1), r(1, 100_000, 65_536)]
  assert.equal(mapText(map), '0 1000 1\n1 100000 65536\n')
  assert.deepEqual(helperArguments(42, map), ['42', '0', '1000', '1', '1', '100000', '65536'])
})

test('one write takes 340 lines, and less than a page', () => {
  const short = (lines: number) => Array.from({ length: lines }, (_, i) => r(i, i, 1))
  assert.equal(fitsOneWrite(short(340)), true)
  assert.equal(fitsOneWrite(short(341)), false)
  const long = (lines: number) => Array.from({ length: lines }, (_, i) => r(100_000 + 2 * i, 100_000 + 3 * i, 1))
  assert.equal(mapText(long(255)).length, 255 * 16)
  assert.equal(fitsOneWrite(long(255)), true)
  assert.equal(fitsOneWrite(long(256)), false, 'exactly one page is too much')
})

test('a single id is shown without a dash', () => {
  assert.equal(idsOf({ start: 5, size: 1 }), '5')
  assert.equal(idsOf({ start: 5, size: 2 }), '5-6')
})
