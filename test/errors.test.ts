// Needs nothing: docs/errors.md explains every error code, and no other.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { catalogue } from '../src/base/catalogue.ts'

const codes = Object.keys(catalogue).sort()

test('every error code has exactly one heading in docs/errors.md, and every heading of a code is one', () => {
  const text = readFileSync('docs/errors.md', 'utf8')
  const headings = [...text.matchAll(/^#{2,3} +`?([a-z][a-z0-9-]*)`?$/gm)].map(([, name]) => name)
  assert.deepEqual(headings.sort(), codes)
})

test('no hint holds words by which callers tell other failures', () => {
  for (const [code, { why = '', fix = '' }] of Object.entries(catalogue) as [
    string,
    { why?: string; fix?: string },
  ][]) {
    assert.doesNotMatch(
      `${why} ${fix}`,
      /no such file or directory|permission denied|operation not permitted|executable file not found/i,
      code,
    )
  }
})
