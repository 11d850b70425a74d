import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { MAX_DURATION, parseDuration } from '../../../src/base/units.ts'

it('a duration has units, or counts seconds', () => {
  const durations = {
    '0': 0,
    '30': 30_000,
    '0.5': 500,
    '30s': 30_000,
    '500ms': 500,
    '2m': 120_000,
    '1h': 3_600_000,
    '1m30s': 90_000,
    '1.5h': 5_400_000,
    '0.0004s': 0,
  }
  for (const [text, milliseconds] of Object.entries(durations)) assert.equal(parseDuration(text), milliseconds, text)
})

it('anything else is no duration', () => {
  for (const text of ['', ' ', 's', '-1', '+1', '1d', '1m30', '30 s', '1e3', '.5', '5.', 'Infinity', '1s;', '１'])
    assert.equal(parseDuration(text), undefined, text)
})

it('a time that no timer can wait for is no duration', () => {
  assert.equal(parseDuration(`${MAX_DURATION}ms`), MAX_DURATION)
  assert.equal(parseDuration(`${MAX_DURATION + 1}ms`), undefined)
  assert.equal(parseDuration('9'.repeat(400)), undefined)
})

it('no text makes it throw or gives anything but whole milliseconds', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9.msh]{0,12}$/), (text) => {
      const value = parseDuration(text)
      assert.ok(value === undefined || (Number.isInteger(value) && value >= 0 && value <= MAX_DURATION))
    }),
  )
})
