// Needs nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTap } from '../../suites/tap.ts'

const seen = (text: string) => parseTap(text, 'it hung').map(({ test, status, note }) => [test, status, note])

test('passes, failures and skips are told apart, with what is said of them', () => {
  assert.deepEqual(
    seen(
      'TAP version 13\n1..3\nok 1 first\nnot ok 2 - second\n# in line 3\n# no such thing\nok 3 third # skip test requires root\n',
    ),
    [
      ['first', 'pass', ''],
      ['second', 'fail', 'in line 3 | no such thing'],
      ['third', 'skip', 'test requires root'],
    ],
  )
})

test('a plan at the end counts, points need no number, and carriage returns are none of the name', () => {
  assert.deepEqual(seen('ok # SKIP not set\r\nok - named\r\n1..2\r\n'), [
    ['not set', 'skip', 'not set'],
    ['named', 'pass', ''],
  ])
})

test('what was announced and not told is lost', () => {
  assert.deepEqual(seen('1..3\nok 1 first\n'), [
    ['first', 'pass', ''],
    ['(not told)', 'lost', 'it hung'],
    ['(not told)', 'lost', 'it hung'],
  ])
  assert.deepEqual(seen('Segmentation fault\n'), [['(no test)', 'lost', 'it hung']])
  assert.deepEqual(seen('1..0\n'), [])
})
