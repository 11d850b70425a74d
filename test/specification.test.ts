// docs/specification.md: one row a field, none of them open, and every test that a row names is there.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const text = readFileSync(new URL('../docs/specification.md', import.meta.url), 'utf8')
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('|') && !/^\| (?:field|---)/.test(line))
  .map((line) =>
    line
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim()),
  )

test('every row says that its field is done, or by which name it is refused', () => {
  assert.ok(rows.length > 70, `${rows.length} rows`)
  for (const [field = '', done = '', , rootless = '', ...more] of rows) {
    assert.deepEqual(more, [], field)
    assert.match(done, /^yes|^accepted without effect|^`vm` refused/, field)
    assert.notEqual(rootless, '', field)
  }
})

test('every test that a row names is there', () => {
  const isThere = (name: string) =>
    ['.test.ts', ''].some((end) => existsSync(new URL(`${name}${end}`, import.meta.url)))
  const named = rows.flatMap(([field = '', , tests = '']) =>
    [...tests.matchAll(/`([a-z]+\/[\w/-]+)`/g)].map(([, name = '']) => ({ field, name })),
  )
  assert.ok(named.length > rows.length)
  assert.deepEqual(
    named.filter(({ name }) => !isThere(name)),
    [],
  )
})
