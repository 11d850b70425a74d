/** A Landlock ruleset as steps: only rights that the version has, and rules below the handled ones. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileRights } from '../../../../src/kernel/landlock.ts'
import type { Op } from '../../../../src/kernel/plan.ts'
import { handles, planRuleset, type Ruleset } from '../../../../src/linux/landlock/plan.ts'

const wish: Ruleset = {
  abi: 7,
  files: [
    { path: '/usr', grant: 'read', required: false, origin: 'sandbox' },
    { path: '/work', grant: 'write', required: true, origin: 'rw /work' },
    { path: '/dev/null', grant: 'device', required: false, origin: 'sandbox' },
  ],
  ports: [{ port: 443, use: 'connect', origin: 'connect 443' }],
  scoped: true,
  origin: 'sandbox',
}

const of = <Name extends Op['op']>(ops: readonly Op[], name: Name) =>
  ops.filter((op): op is Extract<Op, { op: Name }> => op.op === name)

test('the ruleset comes first and is entered last', () => {
  const names = planRuleset(wish).map(({ op }) => op)
  assert.deepEqual(names, ['ruleset', 'allowPath', 'allowPath', 'allowPath', 'allowPort', 'restrict'])
})

test('at every version a rule holds only what the ruleset handles, or the kernel refuses it', () => {
  for (let abi = 1; abi <= 7; abi++) {
    const ops = planRuleset({ ...wish, abi })
    const handled = BigInt(of(ops, 'ruleset')[0]?.files ?? 0)
    assert.equal(handled, BigInt(fileRights(abi)))
    for (const { access } of of(ops, 'allowPath')) assert.equal(BigInt(access) & ~handled, 0n)
  }
})

test('rights appear with their versions: refer, truncate, ports, ioctl, scopes', () => {
  const handled = (abi: number) => {
    const [op] = of(planRuleset({ ...wish, abi, files: [], ports: [] }), 'ruleset')
    return [Number(op?.files).toString(16), Number(op?.ports), Number(op?.scopes)]
  }
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(handled), [
    ['1fff', 0, 0],
    ['3fff', 0, 0],
    ['7fff', 0, 0],
    ['7fff', 3, 0],
    ['ffff', 3, 0],
    ['ffff', 3, 3],
  ])
  assert.deepEqual(
    (['files', 'truncate', 'ports', 'devices', 'scopes'] as const).map((part) => [part, handles(3, part)]),
    [
      ['files', true],
      ['truncate', true],
      ['ports', false],
      ['devices', false],
      ['scopes', false],
    ],
  )
})

test('a readable path cannot be changed, and no device is made or driven in a writable one', () => {
  const [usr, work, nothing] = of(planRuleset(wish), 'allowPath').map(({ access }) => Number(access))
  assert.equal(usr, 0b1101)
  assert.equal(Number(work) & ((1 << 6) | (1 << 11) | (1 << 15)), 0)
  assert.equal(Number(nothing) & ((1 << 7) | (1 << 5)), 0)
})

test('what is not handled is not in the ruleset', () => {
  const [op] = of(planRuleset({ ...wish, files: undefined, ports: undefined, scoped: false }), 'ruleset')
  assert.deepEqual([op?.files, op?.ports, op?.scopes], [0, 0, 0])
})
