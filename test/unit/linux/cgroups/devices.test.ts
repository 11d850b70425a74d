// Needs nothing: device rules, as the list they come to and as the program of cgroup v2.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { deviceProgram } from '../../../../src/linux/cgroups/device-program.ts'
import { type DeviceGuard, guardLines, guardOf } from '../../../../src/linux/cgroups/devices.ts'
import type { DeviceRule } from '../../../../src/spec/types.ts'

const denyAll: DeviceRule = { allow: false, access: 'rwm' }
const linesOf = (...rules: DeviceRule[]) =>
  guardLines(guardOf(rules).guard).map(({ file, value }) => `${file} ${value}`)

interface Wish {
  readonly type: 'b' | 'c'
  readonly major: number
  readonly minor: number
  readonly access: string
}

/** What the kernel's devices controller does: any exception that holds all that is wanted; under allow, some of it. */
function ruled({ default: mode, exceptions }: DeviceGuard, { type, major, minor, access }: Wish): boolean {
  const matches = exceptions.filter(
    (one) =>
      one.type === type &&
      (one.major === -1 || one.major === major) &&
      (one.minor === -1 || one.minor === minor) &&
      (mode === 'deny'
        ? [...access].every((letter) => one.access.includes(letter))
        : [...access].some((letter) => one.access.includes(letter))),
  )
  return mode === 'deny' ? matches.length > 0 : matches.length === 0
}

/** A small machine for the few instructions that we use: what the kernel would do with the program. */
function execute(program: Uint8Array, wish: Wish): boolean {
  const bits = { m: 1, r: 2, w: 4 } as const
  const access = [...wish.access].reduce((sum, letter) => sum | bits[letter as 'm' | 'r' | 'w'], 0)
  const context = [(access << 16) | (wish.type === 'b' ? 1 : 2), wish.major, wish.minor]
  const view = new DataView(program.buffer)
  const registers = new Array<number>(11).fill(0)
  for (let at = 0; at * 8 < program.length; at++) {
    const [code, regs] = [view.getUint8(at * 8), view.getUint8(at * 8 + 1)]
    const [offset, value] = [view.getInt16(at * 8 + 2, true), view.getInt32(at * 8 + 4, true)]
    const [dst, src] = [regs & 15, regs >> 4]
    const [left = 0, right = 0] = [registers[dst], registers[src]]
    if (code === 0x61) registers[dst] = context[offset / 4] ?? 0
    else if (code === 0x54) registers[dst] = left & value
    else if (code === 0x74) registers[dst] = left >>> value
    else if (code === 0xb7) registers[dst] = value
    else if (code === 0xbc) registers[dst] = right
    else if (code === 0x55) at += left === value ? 0 : offset
    else if (code === 0x15) at += left === value ? offset : 0
    else if (code === 0x5d) at += left === right ? 0 : offset
    else if (code === 0x95) return registers[0] === 1
    else throw new Error(`instruction ${code.toString(16)}`)
  }
  throw new Error('ran off its end')
}

describe('guardOf', () => {
  it('without any rule allows what every container has, and making nodes', () => {
    const lines = linesOf()
    assert.equal(lines[0], 'devices.deny a')
    assert.ok(lines.includes('devices.allow c 1:3 rwm'))
    assert.ok(lines.includes('devices.allow b *:* m'))
    assert.ok(!lines.some((line) => /allow [bc] \*:\* .*[rw]/.test(line)))
  })

  it('takes the rules in their order', () => {
    assert.ok(
      linesOf(denyAll, { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }).includes(
        'devices.allow c 10:229 rw',
      ),
    )
    assert.deepEqual(linesOf({ allow: true, type: 'c', major: 10, minor: 229 }, denyAll), linesOf())
    assert.equal(linesOf(denyAll, { allow: true, access: 'rwm' })[0], 'devices.allow a')
  })

  it('takes from an exception what a later rule names', () => {
    const device = { type: 'b', major: 8, minor: 0 } as const
    const lines = linesOf({ allow: true, ...device, access: 'rwm' }, { allow: false, ...device, access: 'w' })
    assert.ok(lines.includes('devices.allow b 8:0 rm'))
  })

  it('after allow for all, rules deny', () => {
    const lines = linesOf({ allow: true, type: 'a' }, { allow: false, type: 'b', major: 8, access: 'w' })
    assert.deepEqual(lines.slice(0, 2), ['devices.allow a', 'devices.deny b 8:* w'])
  })

  it('passes over the letter "a" of an access', () => {
    const device = { type: 'c', major: 10, minor: 229 } as const
    assert.deepEqual(
      linesOf({ allow: true, ...device, access: 'rwa' }),
      linesOf({ allow: true, ...device, access: 'rw' }),
    )
    assert.deepEqual(
      linesOf({ allow: true, ...device, access: 'rwm' }, { allow: false, ...device, access: 'rwa' }),
      linesOf({ allow: true, ...device, access: 'm' }),
    )
  })

  it('refuses a hole in a wider rule: the kernel would forget it in silence', () => {
    const { issues } = guardOf([
      { allow: true, type: 'c', major: 10 },
      { allow: false, type: 'c', major: 10, minor: 229, access: 'w' },
    ])
    assert.deepEqual(
      issues.map(({ pointer }) => pointer),
      ['/linux/resources/devices/1'],
    )
  })
})

const number = fc.constantFrom(undefined, 1, 3, 8)
const rule: fc.Arbitrary<DeviceRule> = fc
  .record({
    allow: fc.boolean(),
    type: fc.constantFrom(undefined, 'a', 'b', 'c'),
    major: number,
    minor: number,
    access: fc.constantFrom(undefined, 'r', 'rw', 'rwm', 'm'),
  })
  .map(
    (one) =>
      Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined)) as unknown as DeviceRule,
  )
const wish: fc.Arbitrary<Wish> = fc.record({
  type: fc.constantFrom('b', 'c'),
  major: fc.constantFrom(1, 3, 8, 9),
  minor: fc.constantFrom(1, 3, 8, 9),
  access: fc.constantFrom('r', 'w', 'rw', 'm'),
})

describe('deviceProgram', () => {
  it('answers as the devices controller of v1 would, whatever the rules', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 6 }), wish, (rules, wanted) => {
        const { guard } = guardOf(rules)
        assert.equal(execute(deviceProgram(guard), wanted), ruled(guard, wanted))
      }),
      { numRuns: 2000 },
    )
  })
})
