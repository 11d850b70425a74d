// Needs nothing: D-Bus messages as bytes and back, whatever they hold and whatever comes.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Reader } from '../../../../src/linux/systemd/decode.ts'
import { type Value, variant, Writer } from '../../../../src/linux/systemd/encode.ts'
import { decodeMessage, encodeMessage, kinds } from '../../../../src/linux/systemd/message.ts'
import { singleType, typesOf, WireError } from '../../../../src/linux/systemd/signature.ts'

interface Typed {
  readonly type: string
  readonly value: Value
}

const text = fc.string({ unit: 'grapheme' }).filter((one) => !one.includes('\0') && Buffer.from(one).toString() === one)
const basic: Readonly<Record<string, fc.Arbitrary<Value>>> = {
  y: fc.integer({ min: 0, max: 255 }),
  b: fc.boolean(),
  n: fc.integer({ min: -32_768, max: 32_767 }),
  q: fc.integer({ min: 0, max: 65_535 }),
  i: fc.integer(),
  u: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  x: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  t: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  d: fc.double({ noNaN: true }),
  s: text,
  o: text,
}
const plain: fc.Arbitrary<Typed> = fc
  .constantFrom(...Object.keys(basic))
  .chain((type) => (basic[type] as fc.Arbitrary<Value>).map((value) => ({ type, value })))

const listOf = ({ type, value }: Typed): Typed => ({ type: `a${type}`, value: [value, value] })
const typed: fc.Arbitrary<Typed> = fc.letrec<{ any: Typed }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    plain,
    tie('any').map((one) => (one.type === 'y' ? { type: 'ay', value: new Uint8Array([1, 2]) } : listOf(one))),
    tie('any').map(({ type, value }) => ({ type: 'v', value: variant(type, value) })),
    fc.array(tie('any'), { minLength: 1, maxLength: 3 }).map((all) => ({
      type: `(${all.map(({ type }) => type).join('')})`,
      value: all.map(({ value }) => value),
    })),
    fc.tuple(plain, tie('any')).map(([key, one]) => ({
      type: `a{${key.type}${one.type}}`,
      value: [[key.value, one.value]],
    })),
  ),
})).any

describe('messages', () => {
  it('come back as they went out', () => {
    fc.assert(
      fc.property(fc.array(typed, { maxLength: 4 }), fc.integer({ min: 1, max: 2 ** 32 - 1 }), (all, serial) => {
        const signature = all.map(({ type }) => type).join('')
        fc.pre(signature.length < 256)
        const message = {
          kind: kinds.call,
          serial,
          path: '/a/b',
          member: 'Do',
          signature,
          body: all.map((one) => one.value),
        }
        const bytes = encodeMessage(message)
        const found = decodeMessage(Buffer.concat([bytes, Buffer.from('more')]))
        assert.equal(found?.length, bytes.length)
        assert.deepEqual(found?.message, signature === '' ? { ...message, body: [] } : message)
        for (const end of [0, 15, bytes.length - 1]) assert.equal(decodeMessage(bytes.subarray(0, end)), undefined)
      }),
    )
  })

  it('of whatever bytes are refused in one way', () => {
    const valid = encodeMessage({
      kind: kinds.reply,
      serial: 1,
      replyTo: 2,
      signature: 'a(sv)as',
      body: [[['A', variant('t', 1n)]], ['x']],
    })
    const attempt = (bytes: Buffer) => {
      try {
        decodeMessage(bytes)
      } catch (error) {
        assert.ok(error instanceof WireError, String(error))
      }
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => attempt(Buffer.from(bytes))))
    fc.assert(
      fc.property(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const broken = Buffer.from(valid)
        broken[at] = byte
        attempt(broken)
      }),
    )
  })

  it('are laid out as the specification has it', () => {
    // A call of Hello, as busctl(1) sends it, without the fields that may be in any order.
    const bytes = encodeMessage({ kind: kinds.call, serial: 1, member: 'Hello', signature: '', body: [] })
    assert.equal(
      bytes.toString('hex'),
      `6c01000100000000010000000e0000000301730005000000${Buffer.from('Hello').toString('hex')}000000`,
    )
  })

  it('of a big-endian peer are understood', () => {
    const bytes = Buffer.from('42020001000000080000000100000008' + '0501750000000007' + '0000000000000005', 'hex')
    // The field SIGNATURE is missing, so there may be no body.
    assert.throws(() => decodeMessage(bytes), WireError)
    const signed = Buffer.from(
      '4202000100000008000000010000000f' + '0501750000000007' + '0801670001740000' + '0000000000000005',
      'hex',
    )
    assert.deepEqual(decodeMessage(signed)?.message.body, [5n])
  })
})

describe('values', () => {
  it('that do not fit their type are refused', () => {
    const wrong: [string, Value][] = [
      ['t', 5],
      ['t', -1n],
      ['y', 256],
      ['u', -1],
      ['s', 'a\0b'],
      ['s', 5],
      ['b', 1],
      ['as', 'x'],
      ['ai', new Uint8Array(2)],
      ['(si)', ['x']],
      ['v', variant('si', 'x')],
      ['q', Number.NaN],
    ]
    for (const [signature, value] of wrong)
      assert.throws(() => new Writer().write(signature, [value]), /./, `${signature} ${String(value)}`)
    assert.throws(() => new Writer().write('ss', ['one']), WireError)
    assert.throws(() => new Writer().write('s', ['x'.repeat(2 << 20)]), /too large/)
  })

  it('that claim more than there is are refused', () => {
    const read = (hex: string, signature: string) =>
      new Reader(Buffer.from(hex, 'hex'), { little: true }).read(signature)
    assert.throws(() => read('ffffffff', 'ay'), WireError)
    assert.throws(() => read('ffffffff', 's'), WireError)
    assert.throws(() => read('02000000' + '0000', 'as'), WireError)
    assert.throws(() => read('02000000', 'b'), WireError)
    assert.throws(() => read(`${'017600'.repeat(80)}`, 'v'), /too deep|too early/)
  })
})

describe('signatures', () => {
  it('are cut into complete types', () => {
    assert.deepEqual(typesOf('a(sv)ua{sv}a(sa(sv))'), ['a(sv)', 'u', 'a{sv}', 'a(sa(sv))'])
    assert.equal(singleType('a{oas}'), 'a{oas}')
  })

  it('that are none are refused', () => {
    for (const one of [
      'a',
      '(',
      '()',
      '(s',
      ')',
      'a{s}',
      'a{vs}',
      '{ss}',
      'z',
      'a{sss}',
      'a'.repeat(300),
      `${'('.repeat(40)}s`,
    ])
      assert.throws(() => typesOf(one), WireError, one)
    assert.throws(() => singleType('ss'), WireError)
    assert.throws(() => singleType(''), WireError)
  })
})
