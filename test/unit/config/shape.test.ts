// What settings may hold: every mistake by its place, with the nearest word that is none.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkShape, dotted, type Shape } from '../../../src/config/shape.ts'

const shape = {
  kind: 'table',
  keys: {
    'default-runtime': { kind: 'text' },
    mode: { kind: 'text', oneOf: ['strict', 'loose'] },
    size: { kind: 'integer', least: 1, most: 8 },
    on: { kind: 'boolean' },
    net: { kind: 'either', of: [{ kind: 'text' }, { kind: 'table', keys: { allow: { kind: 'boolean' } } }] },
    runtimes: {
      kind: 'named',
      checkName: (name) => (name === 'bad' ? 'a bad name' : undefined),
      of: { kind: 'table', keys: { path: { kind: 'text' }, args: { kind: 'list', of: { kind: 'text' } } } },
    },
    rest: { kind: 'any' },
  },
} as const satisfies Shape

const problems = (value: unknown) => checkShape(value, shape).map(({ path, message }) => `${dotted(path)}: ${message}`)

const table: [value: unknown, ...problems: string[]][] = [
  [{}],
  [{ 'default-runtime': 'x', mode: 'strict', size: 8, on: false, net: 'none', rest: { a: [1] } }],
  [{ net: { allow: true } }],
  [{ runtimes: { 'my/own': { path: '/x', args: ['a'] } } }],
  [{ 'defualt-runtime': 'x' }, 'defualt-runtime: unknown key "defualt-runtime": did you mean default-runtime?'],
  [{ zzz: 1 }, 'zzz: unknown key "zzz": it may be one of default-runtime, mode, size, on, net, runtimes, rest'],
  [{ runtimes: { a: { pth: '' } } }, 'runtimes.a.pth: unknown key "pth" in runtimes.a: did you mean path?'],
  [{ runtimes: { bad: {} } }, 'runtimes.bad: a bad name'],
  [
    { runtimes: { a: { args: ['x', 2] } } },
    'runtimes.a.args[1]: runtimes.a.args[1] must be a text in quotes, and it is a number',
  ],
  [{ mode: 'strickt' }, 'mode: "strickt" is not one of strict, loose: did you mean strict?'],
  [{ size: 0 }, 'size: 0 is less than 1'],
  [{ size: 9 }, 'size: 9 is more than 8'],
  [{ size: 1.5 }, 'size: 1.5 is not a whole number'],
  [{ size: Number.NaN }, 'size: NaN is not a whole number'],
  [{ on: 'yes' }, 'on: on must be true or false, and it is a text in quotes'],
  [{ net: 3 }, 'net: net must be a text in quotes or a table, and it is a number'],
  [{ net: { alow: true } }, 'net.alow: unknown key "alow" in net: did you mean allow?'],
  [{ mode: new Date(0) }, 'mode: mode must be a text in quotes, and it is a date'],
  [
    { constructor: 1 },
    'constructor: unknown key "constructor": it may be one of default-runtime, mode, size, on, net, runtimes, rest',
  ],
]

for (const [value, ...expected] of table) {
  test(`${JSON.stringify(value)} has ${expected.length} mistakes`, () => assert.deepEqual(problems(value), expected))
}

test('all mistakes are told, not the first alone', () => assert.equal(problems({ on: 1, size: 0, nat: 'x' }).length, 3))
