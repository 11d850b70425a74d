import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  capabilityNumber,
  capabilityNumbers,
  cloneFlags,
  rlimitNumber,
  signalName,
  signalNumber,
  signalNumbers,
} from '../../../src/kernel/constants.ts'

describe('signals', () => {
  it('have the numbers that the system gives them', () => {
    for (const [name, number] of Object.entries(constants.signals)) assert.equal(signalNumbers.get(name), number, name)
  })

  it('are found by name in any case, with or without SIG, and by number', () => {
    for (const text of ['TERM', 'SIGTERM', 'sigterm', 'Term', '15', '015']) assert.equal(signalNumber(text), 15, text)
    assert.equal(signalNumber('0'), 0)
    assert.equal(signalNumber('CLD'), 17)
  })

  it('include the real-time ones', () => {
    assert.equal(signalNumber('RTMIN'), 34)
    assert.equal(signalNumber('SIGRTMIN+3'), 37)
    assert.equal(signalNumber('rtmax-1'), 63)
    assert.equal(signalNumber('RTMAX'), 64)
    assert.equal(signalNumber('64'), 64)
  })

  it('are refused when there is none', () => {
    for (const text of [
      '',
      'SIG',
      'FOO',
      '-1',
      '65',
      '99999',
      '1.5',
      'RTMIN+31',
      'RTMAX-31',
      'RTMIN-1',
      'SIGSIGTERM',
      ' TERM',
    ]) {
      assert.equal(signalNumber(text), undefined, text)
    }
  })

  it('have names that lead back to the number', () => {
    fc.assert(
      fc.property(fc.integer({ min: -5, max: 70 }), (number) => {
        const name = signalName(number)
        assert.equal(name === undefined, number < 1 || number > 64 || number === 32 || number === 33)
        if (name !== undefined) assert.equal(signalNumber(name), number)
      }),
    )
  })
})

describe('names with numbers', () => {
  it('know limits and capabilities at both ends and in the middle', () => {
    assert.deepEqual(['RLIMIT_CPU', 'RLIMIT_NOFILE', 'RLIMIT_AS', 'RLIMIT_RTTIME'].map(rlimitNumber), [0, 7, 9, 15])
    const names = ['CAP_CHOWN', 'CAP_SETUID', 'CAP_SYS_ADMIN', 'CAP_SETFCAP', 'CAP_CHECKPOINT_RESTORE']
    assert.deepEqual(names.map(capabilityNumber), [0, 7, 21, 31, 40])
    assert.equal(Object.keys(capabilityNumbers).length, 41)
  })

  it('do not find what only looks like a name', () => {
    for (const name of ['', 'toString', '__proto__', 'CAP_', 'cap_chown']) {
      assert.equal(capabilityNumber(name), undefined)
      assert.equal(rlimitNumber(name), undefined)
    }
  })

  it('give each namespace its own bit', () => {
    const flags = Object.values(cloneFlags)
    assert.equal(
      flags.reduce((all, flag) => all | flag, 0),
      flags.reduce((sum, flag) => sum + flag, 0),
    )
  })
})
