// Needs root and /dev/fuse: the manager of Intel RDT on a resctrl of two caches that says and refuses what the kernel does.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Dispose } from '../../src/base/dispose.ts'
import { isRuntimeError } from '../../src/base/errors.ts'
import { readResctrl } from '../../src/host/resctrl.ts'
import { makeRdt, placeInRdt, removeRdt, updateRdt } from '../../src/linux/rdt/manager.ts'
import { planRdt } from '../../src/linux/rdt/plan.ts'
import { rdtStats } from '../../src/linux/rdt/stats.ts'
import type { IntelRdt } from '../../src/spec/types.ts'
import { mountFakeResctrl, whyNoFake } from '../fixtures/resctrl.ts'

const skip = whyNoFake()
const root = skip === undefined ? mountFakeResctrl() : ''

async function make(rdt: IntelRdt, id = 'box') {
  const undo = new Dispose()
  const plan = planRdt(rdt, readResctrl(root), id)
  assert.ok(plan)
  try {
    return { record: makeRdt(plan, undo), undo }
  } catch (error) {
    await undo[Symbol.asyncDispose]()
    throw error
  }
}

const refused = (pattern: RegExp) => (error: unknown) => {
  assert.ok(isRuntimeError(error, 'rdt-refused'))
  assert.match(error.message, pattern)
  return true
}

const text = (...path: string[]) => readFileSync(join(root, ...path), 'utf8')
const here = (...path: string[]) => existsSync(join(root, ...path))

test('what it offers is read from info/', { skip }, () => {
  assert.deepEqual(readResctrl(root), {
    root,
    allocates: ['L3', 'MB'],
    monitors: ['llc_occupancy', 'mbm_total_bytes', 'mbm_local_bytes'],
  })
})

test('a class of its own: made, filled, counted, changed, removed', { skip }, async () => {
  const rdt = { l3CacheSchema: 'L3:0=f;1=7f0', memBwSchema: 'MB:0=15', enableMonitoring: true }
  const { record } = await make(rdt)
  assert.equal(text('box/schemata'), '    L3:0=00f;1=7f0\n    MB:0=20;1=100\n')
  placeInRdt(record, process.pid)
  assert.equal(text('box/tasks'), `${process.pid}\n`)
  assert.equal(text('box/mon_groups/box/tasks'), `${process.pid}\n`)
  const back = updateRdt(record, ['L3:1=ff'])
  assert.match(text('box/schemata'), /L3:0=00f;1=0ff/)
  assert.deepEqual(rdtStats(record), {
    l3_cache_info: { cbm_mask: '7ff', min_cbm_bits: 2n, num_closids: 4n },
    l3_cache_schema_root: 'L3:0=7ff;1=7ff',
    l3_cache_schema: 'L3:0=00f;1=0ff',
    mem_bw_info: { bandwidth_gran: 10n, delay_linear: 1n, min_bandwidth: 10n, num_closids: 4n },
    mem_bw_schema_root: 'MB:0=100;1=100',
    mem_bw_schema: 'MB:0=20;1=100',
    schemata: ['L3:0=00f;1=0ff', 'MB:0=20;1=100'],
    mbm_stats: [
      { mbm_total_bytes: 700n, mbm_local_bytes: 70n },
      { mbm_total_bytes: 800n, mbm_local_bytes: 80n },
    ],
    cmt_stats: [{ llc_occupancy: 28672n }, { llc_occupancy: 32768n }],
  })
  back()
  assert.match(text('box/schemata'), /L3:0=00f;1=7f0\n {4}MB:0=20;1=100/)
  removeRdt(record)
  assert.equal(here('box'), false)
  removeRdt(record)
})

test('what the kernel refuses is told in its words, and nothing stays', { skip }, async () => {
  const cases: [IntelRdt, RegExp][] = [
    [{ l3CacheSchema: 'L3:0=5' }, /cannot write L3:0=5 to .*non-consecutive 1-bits/],
    [{ l3CacheSchema: 'L3:0=fff' }, /Mask out of range/],
    [{ l3CacheSchema: 'L3:0=1' }, /at least 2 bits/],
    [{ memBwSchema: 'MB:0=5' }, /MB value 5 out of range/],
    [{ l3CacheSchema: 'L3:0=f', schemata: ['MB:0=101'] }, /MB value 101 out of range/],
  ]
  for (const [rdt, pattern] of cases) {
    await assert.rejects(make(rdt), refused(pattern))
    assert.equal(here('box'), false)
  }
  const { record } = await make({ l3CacheSchema: 'L3:0=f' })
  assert.throws(() => updateRdt(record, ['L3:0=ff', 'MB:0=1']), refused(/MB value 1 out of range/))
  assert.match(text('box/schemata'), /L3:0=00f/, 'all or nothing')
  assert.throws(() => placeInRdt(record, 2 ** 22 + 1), refused(/cannot add process .*no such process.*No task/))
  removeRdt(record)
})

test('a named class is made once, kept, and shared only as it is', { skip }, async () => {
  const asked = { closID: 'gold', memBwSchema: 'MB:0=33' }
  const first = await make(asked)
  const second = await make({ ...asked, enableMonitoring: true }, 'other')
  assert.equal(here('gold/mon_groups/other'), true)
  await assert.rejects(make({ closID: 'gold', memBwSchema: 'MB:0=50' }), refused(/does not hold MB:0=50.*MB:0=40/))
  const third = await make({ closID: 'gold' })
  for (const { record } of [first, second, third]) removeRdt(record)
  assert.equal(here('gold/mon_groups/other'), false)
  assert.equal(here('gold'), true, 'runtime-spec 1.3: a class that was named is not removed')
  rmdirSync(join(root, 'gold'))
})

test('a creation that fails takes even a named class away that it made', { skip }, async () => {
  const { undo } = await make({ closID: 'gold', l3CacheSchema: 'L3:0=f' })
  await undo[Symbol.asyncDispose]()
  assert.equal(here('gold'), false)
})

test('the class of everybody is compared, never written', { skip }, async () => {
  const { record } = await make({ closID: '/', l3CacheSchema: 'L3:0=07ff' })
  placeInRdt(record, process.pid)
  assert.equal(text('tasks'), `${process.pid}\n`)
  await assert.rejects(make({ closID: '/', l3CacheSchema: 'L3:0=f' }), refused(/does not hold L3:0=f/))
  removeRdt(record)
  assert.equal(here('schemata'), true)
})

test('a class that is not there, one that is somebody else’s, and no more of them', { skip }, async () => {
  await assert.rejects(make({ closID: 'gold' }), refused(/there is no class of service .*gold/))
  mkdirSync(join(root, 'box'))
  await assert.rejects(make({}), refused(/box is there already/))
  assert.equal(here('box'), true, 'and it stays')
  for (const name of ['a', 'b']) mkdirSync(join(root, name))
  await assert.rejects(make({}, 'c'), refused(/cannot make .*no space left.*num_closids/))
  for (const name of ['a', 'b', 'box']) rmdirSync(join(root, name))
  assert.throws(() => writeFileSync(join(root, 'schemata'), 'x\n', { flag: 'r+' }), /EINVAL/, 'the fake refuses junk')
})
