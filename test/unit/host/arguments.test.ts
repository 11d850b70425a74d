import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { readArguments } from '../../../src/host/arguments.ts'

const directory = mkdtempSync(join(tmpdir(), 'usnea-arguments-'))
after(() => rmSync(directory, { recursive: true }))
const file = join(directory, 'cmdline')
writeFileSync(file, Buffer.from('node\0--no-warnings\0main.js\0exec\0\0a\xff\0', 'latin1'))

it('arguments that are UTF-8 are not read again', () => {
  assert.deepEqual(readArguments(['exec', 'ä'], join(directory, 'none')), ['exec', 'ä'])
})

it('arguments that are not come from the kernel, those of Node left out', () => {
  assert.deepEqual(readArguments(['exec', '', 'a\uFFFD'], file), ['exec', '', 'a\udcff'])
})

it('without /proc they are lost, and that is known', () => {
  assert.equal(readArguments(['a\uFFFD'], join(directory, 'none')), undefined)
})
