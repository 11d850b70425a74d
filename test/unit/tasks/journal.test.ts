import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { isRuntimeError } from '../../../src/base/errors.ts'
import { Journal, usualLimits } from '../../../src/tasks/events/journal.ts'

const top = mkdtempSync(join(tmpdir(), 'usnea-journal-'))
after(() => rmSync(top, { recursive: true, force: true }))
let count = 0
const place = () => join(top, String(++count))
const happening = (n: number, time = '2026-01-01T00:00:00.000Z') => ({ topic: '/x', time, event: { n } })
const numbers = (journal: Journal, from = 0) => journal.read(from, 1e6).map(({ seq }) => seq)
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, at) => at + first)

describe('the journal of events', () => {
  it('gives what it was told, from any point, also to the next one', () => {
    const directory = place()
    const journal = new Journal('a', directory)
    assert.deepEqual([journal.first, journal.last, numbers(journal)], [1, 0, []])
    for (let n = 1; n <= 10; n++) journal.append(happening(n))
    assert.deepEqual(numbers(journal, 4), upTo(10, 4))
    assert.deepEqual(
      journal.read(3, 2).map(({ event }) => event.n),
      [3, 4],
    )
    // Not closed: the next one comes after a crash.
    const next = new Journal('a', directory)
    assert.equal(next.append(happening(11)).seq, 11)
    assert.deepEqual(numbers(next), upTo(11))
    next.close()
    assert.equal(statSync(join(directory, readdirSync(directory)[0] ?? '')).mode & 0o777, 0o600)
  })

  it('keeps ten thousand events that nobody reads, in bounded files, and says what is gone', () => {
    const journal = new Journal('a', place(), { ...usualLimits, fileSize: 32 << 10, files: 8 })
    for (let n = 1; n <= 10_000; n++) journal.append(happening(n))
    assert.equal(journal.last, 10_000)
    assert.ok(journal.first > 1)
    assert.deepEqual(numbers(journal, journal.first), upTo(10_000, journal.first))
    assert.deepEqual(numbers(journal)[0], journal.first, '0 is the oldest that is kept')
    assert.throws(
      () => journal.read(1),
      (error) => isRuntimeError(error, 'events-gone'),
    )
    journal.close()
  })

  it('cuts off half a line, and passes over damage', () => {
    const directory = place()
    const journal = new Journal('a', directory)
    for (let n = 1; n <= 3; n++) journal.append(happening(n))
    const file = join(directory, readdirSync(directory)[0] ?? '')
    appendFileSync(file, 'garbage\n{"seq":4,"namesp')
    const next = new Journal('a', directory)
    assert.equal(next.append(happening(4)).seq, 4)
    assert.deepEqual(numbers(next), upTo(4))
    truncateSync(file, 0)
    assert.deepEqual(numbers(new Journal('a', directory)), [])
    next.close()
  })

  it('does not care for the clock', () => {
    const journal = new Journal('a', place())
    for (const time of ['2026-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '2099-01-01T00:00:00Z'])
      journal.append(happening(1, time))
    assert.deepEqual(numbers(journal), [1, 2, 3])
    journal.close()
  })

  it('wakes whoever waits, and lets go of those who do not wait any more', async () => {
    const journal = new Journal('a', place())
    const waiting = journal.wait(2)
    journal.append(happening(1))
    journal.append(happening(2))
    await waiting
    const controller = new AbortController()
    const given = journal.wait(99, controller.signal)
    controller.abort()
    await given
    journal.close()
  })

  it('says what is wrong with a place that is none', () => {
    const file = place()
    writeFileSync(file, '')
    assert.throws(
      () => new Journal('a', file),
      (error) => isRuntimeError(error, 'journal-broken'),
    )
  })

  const mounted = join(top, 'small')
  const canMount = () => {
    mkdirSync(mounted)
    return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'small', mounted]).status === 0
  }
  it('loses nothing while the disk is full', {
    skip: process.getuid?.() === 0 && canMount() ? false : 'needs root, to mount a small disk',
  }, () => {
    try {
      const journal = new Journal('a', join(mounted, 'events'), { ...usualLimits, waiting: 900 })
      const filler = join(mounted, 'filler')
      writeFileSync(filler, Buffer.alloc(40 << 10))
      for (let n = 1; n <= 800; n++) journal.append(happening(n))
      assert.ok(journal.waiting > 0, 'the disk was full')
      assert.deepEqual(numbers(journal), upTo(800))
      assert.throws(
        () => {
          for (;;) journal.append(happening(0))
        },
        (error) => isRuntimeError(error, 'journal-broken'),
      )
      const last = journal.last
      rmSync(filler)
      // There is room for some of them now, and no half of a line.
      journal.flush()
      const inMemory = journal.waiting
      assert.deepEqual(numbers(new Journal('a', join(mounted, 'events'))), upTo(last - inMemory))
      journal.close()
    } finally {
      spawnSync('umount', [mounted])
    }
  })
})
