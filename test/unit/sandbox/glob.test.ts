/** Names with wildcards, as glob(7) reads them. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { globIn, matching } from '../../../src/sandbox/glob.ts'

const place = mkdtempSync(join(tmpdir(), 'usnea-glob-'))
after(() => rmSync(place, { recursive: true, force: true }))
for (const folder of ['a/deep/er', 'b', '.hidden']) mkdirSync(join(place, folder), { recursive: true })
for (const file of ['a/one.key', 'a/two.key', 'a/deep/er/three.key', '.hidden/four.key', 'b/[x].txt', 'b/a+b', 'b/x'])
  writeFileSync(join(place, file), '')
// of which a regular expression would try every division
mkdirSync(join(place, 'long'))
writeFileSync(join(place, 'long', 'a'.repeat(250)), '')
symlinkSync('/', join(place, 'b/root'))

const names = (pattern: string) => matching(join(place, pattern)).map((path) => path.slice(place.length + 1))

const cases: [pattern: string, found: string[]][] = [
  ['a/one.key', ['a/one.key']],
  ['a/none.key', []],
  ['a/*.key', ['a/one.key', 'a/two.key']],
  ['?/*.key', ['a/one.key', 'a/two.key']],
  ['**/*.key', ['.hidden/four.key', 'a/one.key', 'a/two.key', 'a/deep/er/three.key'].sort()],
  ['*/four.key', []],
  ['.*/four.key', ['.hidden/four.key']],
  ['a/[!o]*.key', ['a/two.key']],
  ['a/[n-p]ne.key', ['a/one.key']],
  ['b/a+?', ['b/a+b']],
  ['b/[x].txt', ['b/[x].txt']],
  ['b/[x', []],
  ['a/[p-n]ne.key', []],
  ['a/[!p-n]ne.key', ['a/one.key']],
  ['a/**/**/th*e*', ['a/deep/er/three.key']],
  ['a/t*wo*', ['a/two.key']],
  ['a/*e*y', ['a/one.key', 'a/two.key']],
  [`long/${'*a'.repeat(40)}b`, []],
  ['b/**/etc', []],
]

for (const [pattern, found] of cases)
  test(`${pattern} is ${found.join(' ') || 'nothing'}`, () => assert.deepEqual(names(pattern).sort(), found))

test('in a directory with wildcards in its name only what was written is a pattern', () => {
  const directory = join(place, 'of [ab] and ?')
  for (const folder of ['of [ab] and ?/in', 'of a and b']) mkdirSync(join(place, folder), { recursive: true })
  for (const file of ['of [ab] and ?/1.key', 'of [ab] and ?/in/2.key', 'of [ab] and ?/[x].txt', 'of a and b/3.key'])
    writeFileSync(join(place, file), '')
  const found = (text: string) => matching(globIn(directory, text)).map((path) => path.slice(place.length + 1))
  assert.deepEqual(found('?.key'), ['of [ab] and ?/1.key'])
  assert.deepEqual(found('./**/?.key'), ['of [ab] and ?/1.key', 'of [ab] and ?/in/2.key'])
  assert.deepEqual(found('../*/3.key'), ['of a and b/3.key'])
  assert.deepEqual(found('1.key'), ['of [ab] and ?/1.key'])
  assert.deepEqual(found('[x].txt'), ['of [ab] and ?/[x].txt'])
})
