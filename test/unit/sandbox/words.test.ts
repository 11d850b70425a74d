/** Command lines written as text. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { argv, script } from '../../../src/sandbox/words.ts'

test('words stand between blanks, values are put in whole', () => {
  assert.deepEqual(argv`git  commit -m ${'a b'}`, ['git', 'commit', '-m', 'a b'])
  assert.deepEqual(
    argv`
    cp --to=${'x y'}/z ${['a', '']} ${[]} ${3}`,
    ['cp', '--to=x y/z', 'a', '', '3'],
  )
  assert.deepEqual(argv`pre${['a', 'b']}post`, ['prea', 'bpost'])
  assert.deepEqual(argv``, [])
  assert.deepEqual(argv`${''}`, [''])
  assert.deepEqual(argv`echo "a b" $HOME \n`, ['echo', '"a', 'b"', '$HOME', '\\n'])
})

test('what is put into a script is exactly one word for a shell, whatever it holds', () => {
  const texts = fc.array(
    fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
    { minLength: 1 },
  )
  fc.assert(
    fc.property(texts, (words) => {
      const program = script`for word in ${words}; do printf '%s\0' "$word"; done`
      const told = execFileSync('sh', ['-c', program], { encoding: 'utf8' })
      assert.deepEqual(told.split('\0').slice(0, -1), words)
    }),
    { numRuns: 30 },
  )
  assert.equal(script`echo ${'if'}`, "echo 'if'")
})
