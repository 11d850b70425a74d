// Needs nothing: what an update names, what the container has after it, and what is written for it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { merged, named, toWrite } from '../../../../src/linux/cgroups/limits/merge.ts'
import type { Resources } from '../../../../src/spec/types.ts'

describe('named', () => {
  it('leaves out what callers send for "not meant"', () => {
    const sent = {
      devices: [{ allow: false }],
      memory: { limit: 0, swap: 0, reservation: 5, disableOOMKiller: false },
      cpu: { shares: 0, quota: 0, cpus: '', mems: '' },
      blockIO: { weight: 0, weightDevice: [] },
      hugepageLimits: [],
      network: {},
    }
    assert.deepEqual(named(sent), { memory: { reservation: 5 } })
  })

  it('lifts the limit of swap with that of memory', () => {
    assert.deepEqual(named({ memory: { limit: -1 } }), { memory: { limit: -1, swap: -1 } })
    assert.deepEqual(named({ memory: { limit: -1, swap: 5 } }), { memory: { limit: -1, swap: 5 } })
  })

  it('keeps zeros that are values', () => {
    const sent = { pids: { limit: 0 }, cpu: { idle: 0, burst: 0 }, memory: { swappiness: 0 } }
    assert.deepEqual(named(sent), sent)
  })
})

describe('merged', () => {
  it('changes only what is named', () => {
    const old: Resources = { memory: { limit: 5, swap: 10 }, pids: { limit: 3 }, devices: [{ allow: false }] }
    assert.deepEqual(merged(old, { memory: { limit: 7 }, cpu: { shares: 9 } }), {
      memory: { limit: 7, swap: 10 },
      pids: { limit: 3 },
      devices: [{ allow: false }],
      cpu: { shares: 9 },
    })
  })

  it('a weight alone ends being idle', () => {
    const old: Resources = { cpu: { idle: 1, quota: 5 }, unified: { 'cpu.idle': '1', 'io.weight': '7' } }
    const kept = { cpu: { quota: 5, shares: 9 }, unified: { 'io.weight': '7' } }
    assert.deepEqual(merged(old, { cpu: { shares: 9 } }), kept)
    assert.deepEqual(merged(old, { unified: { 'cpu.weight': '3' } }).cpu, { quota: 5 })
    assert.equal(merged(old, { cpu: { shares: 9, idle: 1 } }).cpu?.idle, 1)
    assert.deepEqual(merged(old, { cpu: { quota: 6 } }).cpu, { idle: 1, quota: 6 })
  })

  it('replaces the entry of a device and keeps those of others', () => {
    const rate = (minor: number, value: number) => ({ major: 8, minor, rate: value })
    const old = { blockIO: { throttleReadBpsDevice: [rate(0, 1), rate(1, 2)] } }
    const { blockIO } = merged(old, { blockIO: { throttleReadBpsDevice: [rate(0, 5)] } })
    assert.deepEqual(blockIO?.throttleReadBpsDevice, [rate(1, 2), rate(0, 5)])
  })
})

describe('toWrite', () => {
  it('gives a group that is idle no longer its weight again', () => {
    const shares = (idle: number) => toWrite({ cpu: { idle } }, { cpu: { idle, shares: 2048 } }).cpu?.shares
    assert.deepEqual([shares(0), shares(1)], [2048, undefined])
  })

  it('brings the other half of a pair along', () => {
    const all = { memory: { limit: 7, swap: 10, reservation: 2 }, cpu: { quota: 1, period: 2, shares: 3 } }
    assert.deepEqual(toWrite({ memory: { limit: 7 } }, all), { memory: { limit: 7, swap: 10 } })
    assert.deepEqual(toWrite({ cpu: { quota: 1 } }, all), { cpu: { quota: 1, period: 2 } })
    assert.deepEqual(toWrite({ cpu: { shares: 3 } }, all), { cpu: { shares: 3 } })
  })
})
