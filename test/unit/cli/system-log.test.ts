import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatJournal, formatSyslog } from '../../../src/cli/system-log.ts'

const record = { level: 'error', msg: 'it\nbroke ü', time: '2026-01-02T03:04:05Z' }

describe('a record in the native protocol of the journal', () => {
  it('has a priority, a name, and a message with its length before it, so that lines in it do not matter', () => {
    const bytes = formatJournal(record, 'box')
    const head = 'PRIORITY=3\nSYSLOG_IDENTIFIER=box\nMESSAGE\n'
    assert.equal(bytes.subarray(0, head.length).toString(), head)
    const size = Number(bytes.readBigUInt64LE(head.length))
    assert.equal(bytes.subarray(head.length + 8, head.length + 8 + size).toString(), 'it\nbroke ü')
    assert.equal(bytes.subarray(head.length + 8 + size).toString(), '\n')
  })

  it('is never too long for a datagram', () => {
    assert.ok(formatJournal({ ...record, msg: 'x'.repeat(1_000_000) }, 'box').length < 100_000)
  })
})

describe('a record for syslog', () => {
  it('is one line with priority, time, name and pid', () => {
    const text = formatSyslog(record, 'box').toString()
    assert.match(text, /^<11>Jan {2}\d \d\d:04:05 box\[\d+\]: it broke ü$/)
    assert.match(formatSyslog({ ...record, level: 'debug' }, 'box').toString(), /^<15>/)
  })
})
