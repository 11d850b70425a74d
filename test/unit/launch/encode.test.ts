import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { opShapes, planSum } from '../../../src/kernel/plan-def.ts'
import { encode } from '../../../src/launch/encode.ts'
import { frameBytes, parseFrames } from '../../../src/launch/frames.ts'

const origin = '/test'

test('a plan begins with the magic, the sum of plan.def, its size, the count of ops and the offset of the pool', () => {
  const bytes = encode([{ op: 'hostname', name: 'box', origin }])
  assert.equal(bytes.toString('latin1', 0, 8), 'USNEAPL1')
  assert.deepEqual(
    [8, 12, 16, 20].map((at) => bytes.readUInt32LE(at)),
    [planSum, bytes.length, 1, 24 + 16],
  )
})

test('a string stands in the pool with its length and a NUL behind it', () => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !text.includes('\0')),
      (name) => {
        const bytes = encode([{ op: 'hostname', name, origin }])
        const [offset, length] = [bytes.readUInt32LE(32), bytes.readUInt32LE(36)]
        assert.equal(bytes.toString('utf8', offset, offset + length), Buffer.from(name).toString())
        assert.equal(bytes[offset + length], 0)
      },
    ),
  )
})

test('a list is a table of strings that is aligned to four bytes', () => {
  fc.assert(
    fc.property(fc.array(fc.string().filter((text) => !text.includes('\0'))), (argv) => {
      const bytes = encode([{ op: 'exec', file: 'x', search: '', argv, env: [], keepFds: 0, origin }])
      const [offset, count] = [bytes.readUInt32LE(48), bytes.readUInt32LE(52)]
      assert.equal(offset % 4, 0)
      const items = Array.from({ length: count }, (_, i) => {
        const at = bytes.readUInt32LE(offset + 8 * i)
        return bytes.toString('utf8', at, at + bytes.readUInt32LE(offset + 8 * i + 4))
      })
      assert.deepEqual(
        items,
        argv.map((arg) => Buffer.from(arg).toString()),
      )
    }),
  )
})

test('numbers take all 64 bits, negative ones as two complements', () => {
  const value = (score: bigint) => encode([{ op: 'oomScore', score, origin }]).readBigUInt64LE(32)
  assert.equal(value(-1000n), 0xffff_ffff_ffff_fc18n)
  assert.equal(value(0xffff_ffff_ffff_ffffn), 0xffff_ffff_ffff_ffffn)
})

test('a string with a NUL is refused, because init would read less than was checked', () => {
  assert.throws(() => encode([{ op: 'hostname', name: 'a\0b', origin }]), TypeError)
})

test('every op of plan.def has a code of its own', () => {
  const codes = Object.values(opShapes).map(({ code }) => code)
  assert.deepEqual(codes, [...codes.keys()])
})

test('frames are read whole, wherever the stream is cut', () => {
  const stream = Buffer.concat([frameBytes('ready'), frameBytes('go', '{"id":"x"}'), frameBytes('signal', '', 15)])
  fc.assert(
    fc.property(fc.nat(stream.length), (cut) => {
      const first = parseFrames(stream.subarray(0, cut))
      const second = parseFrames(Buffer.concat([first.rest, stream.subarray(cut)]))
      const all = [...first.frames, ...second.frames]
      assert.deepEqual(
        all.map(({ message, a }) => [message, a]),
        [
          ['ready', 0],
          ['go', 0],
          ['signal', 15],
        ],
      )
      assert.equal(all[1]?.payload.toString(), '{"id":"x"}')
      assert.equal(second.rest.length, 0)
    }),
  )
})
