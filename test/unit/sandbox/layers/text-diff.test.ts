import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareText } from '../../../../src/sandbox/layers/text-diff.ts'

/** patch(1) for hunks without offsets. */
function patch(text: string, hunks: string): string {
  const lines = text === '' ? [] : text.split(/(?<=\n)/)
  const result: string[] = []
  let at = 0
  let isOpen = false
  for (const line of hunks.split('\n').slice(0, -1)) {
    const head = /^@@ -(\d+),(\d+) /.exec(line)
    if (head !== null) {
      const start = Number(head[1]) - (head[2] === '0' ? 0 : 1)
      result.push(...lines.slice(at, start))
      at = start
    } else if (line.startsWith('\\')) {
      if (isOpen) result.push((result.pop() ?? '').replace(/\n$/, ''))
    } else {
      const body = `${line.slice(1)}\n`
      isOpen = line[0] !== '-'
      if (line[0] !== '+') at++
      if (line[0] !== '-') result.push(body)
    }
  }
  return [...result, ...lines.slice(at)].join('')
}

test('the hunks make the one text of the other', () => {
  const line = fc.constantFrom('a', 'b', 'c', '', '  x')
  const text = fc.tuple(fc.array(line, { maxLength: 30 }), fc.boolean()).map(([lines, isEnded]) => {
    const joined = lines.join('\n')
    return joined === '' ? '' : joined.replace(/\n+$/, '') + (isEnded ? '\n' : '')
  })
  fc.assert(
    fc.property(text, text, (before, after) => {
      const hunks = compareText(before, after)
      assert.ok(hunks !== undefined)
      assert.equal(patch(before, hunks), after)
      assert.equal(hunks === '', before === after)
    }),
  )
})

test('far changes are hunks of their own, near ones share one', () => {
  const lines = Array.from({ length: 40 }, (_, n) => `${n}\n`)
  const changed = lines.map((line, n) => (n === 2 || n === 6 || n === 30 ? 'x\n' : line)).join('')
  assert.deepEqual(compareText(lines.join(''), changed)?.match(/^@@.*$/gm), ['@@ -1,10 +1,10 @@', '@@ -28,7 +28,7 @@'])
})

test('texts that differ too much are told apart without a diff', () => {
  const text = (word: string) => Array.from({ length: 3000 }, (_, n) => `${word}${n}\n`).join('')
  assert.equal(compareText(text('a'), text('b')), undefined)
})
