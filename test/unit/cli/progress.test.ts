import assert from 'node:assert/strict'
import { mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { openProgress } from '../../../src/cli/progress.ts'

const place = mkdtempSync(join(tmpdir(), 'usnea-progress-'))
after(() => rmSync(place, { recursive: true }))
const pause = new Int32Array(new SharedArrayBuffer(4))

function open(name: string, patienceMs: number) {
  const path = join(place, name)
  const fd = openSync(path, 'a+')
  const progress = openProgress('copying', (text) => void writeSync(fd, text), { fd, patienceMs, everyMs: 1 })
  const text = () => readFileSync(path, 'utf8')
  /** Blocks the event loop, as our work does. */
  const blockUntil = (expected: RegExp) => {
    for (let tries = 0; tries < 3000 && !expected.test(text()); tries++) Atomics.wait(pause, 0, 0, 10)
    assert.match(text(), expected)
  }
  return { progress, text, blockUntil }
}

/** What is left on the line of a terminal. */
function screen(text: string): string {
  const line: string[] = []
  let column = 0
  for (const letter of text)
    if (letter === '\r') column = 0
    else line[column++] = letter
  return line.join('').trimEnd()
}

it('is written while the event loop is blocked, without an escape sequence, and leaves nothing', () => {
  const { progress, text, blockUntil } = open('blocked', 1)
  blockUntil(/usnea: copying: \d+ s/)
  progress.show(123, 50_000)
  blockUntil(/usnea: copying: 123 of 50000/)
  progress.show(9, 10)
  blockUntil(/usnea: copying: 9 of 10/)
  progress.end()
  const whole = text()
  assert.equal(screen(whole), '')
  assert.ok(!/[^\r -~]/.test(whole))
  progress.end()
  Atomics.wait(pause, 0, 0, 20)
  assert.equal(text(), whole)
})

it('makes room for what is printed meanwhile, and comes back', () => {
  const { progress, text, blockUntil } = open('erased', 1)
  blockUntil(/copying/)
  progress.erase()
  blockUntil(/ \r\r?usnea: copying/)
  progress.end()
  assert.equal(screen(text()), '')
})

it('is not there for what is over sooner', () => {
  const { progress, text } = open('quick', 1000)
  progress.end()
  assert.equal(text(), '')
})
