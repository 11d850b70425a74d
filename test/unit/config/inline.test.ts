// Values written as TOML on one line are read back as they were, and hold nothing that a terminal obeys.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse } from 'smol-toml'
import { inlineKey, inlineSection, inlineText, inlineValue } from '../../../src/config/inline.ts'

const text = fc.string({ unit: 'grapheme' })
const leaf = fc.oneof(
  text,
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.constantFrom('\u007f', '\u009b2J'),
)
const name = text.filter((key) => key !== '__proto__')

test('any value is read back', () => {
  fc.assert(
    fc.property(name, fc.oneof(leaf, fc.array(leaf), fc.dictionary(name, leaf)), (key, value) => {
      const line = `${inlineKey(key)} = ${inlineValue(value)}`
      assert.doesNotMatch(line, /\n/)
      assert.equal(JSON.stringify({ ...parse(line) }[key]), JSON.stringify(value), line)
    }),
  )
})

test('a section is read back', () => {
  fc.assert(
    fc.property(name, fc.dictionary(name, leaf), (key, table) => {
      const read = parse(inlineSection(['runtimes', key], table)) as { runtimes: Record<string, unknown> }
      assert.deepEqual(JSON.stringify(read.runtimes[key]), JSON.stringify(table))
    }),
  )
})

test('nothing that a terminal obeys is written as it is', () =>
  assert.equal(inlineText('\u001b[2J\u007f\u009b\u2028'), '"\\u001b[2J\\u007f\\u009b\\u2028"'))
