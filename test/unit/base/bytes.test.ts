import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { bytesOfText, holdsBytes, textOfBytes } from '../../../src/base/bytes.ts'
import { findForeignByte } from '../../../src/base/files.ts'

describe('bytes in a string', () => {
  it('come back as they were, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        assert.deepEqual(bytesOfText(textOfBytes(Buffer.from(bytes))), Buffer.from(bytes))
      }),
    )
  })

  it('are the usual text where they are UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        assert.equal(textOfBytes(Buffer.from(text)), text)
        assert.equal(holdsBytes(text), false)
      }),
    )
  })

  it('stay beside text that is', () => {
    const bytes = Buffer.concat([Buffer.from('ä'), Buffer.from([0xff, 0xc3]), Buffer.from('😀x'), Buffer.from([0x80])])
    const text = textOfBytes(bytes)
    assert.equal(text, 'ä\udcff\udcc3😀x\udc80')
    assert.equal(holdsBytes(text), true)
    assert.deepEqual(bytesOfText(text), bytes)
  })
})

it('the first byte that is not UTF-8 is found', () => {
  const place = (...parts: (string | number)[]) =>
    findForeignByte(
      Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part])))),
    )
  assert.equal(place('good ä😀'), undefined)
  assert.equal(place(0xff), 0)
  assert.equal(place('ä😀', 0xc3), 6)
  assert.equal(place('ab', 0xe2, 0x82, 'c'), 2)
})
