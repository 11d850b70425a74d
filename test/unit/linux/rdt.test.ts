// Intel RDT: what is asked, what the machine has, and the lines of schemata.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseMountinfo } from '../../../src/host/mountinfo.ts'
import { findResctrl } from '../../../src/host/resctrl.ts'
import { checkRdt } from '../../../src/linux/rdt/check.ts'
import { planRdt } from '../../../src/linux/rdt/plan.ts'
import { firstDifference, linesOf, parseLine } from '../../../src/linux/rdt/schemata.ts'
import type { IntelRdt, Spec } from '../../../src/spec/types.ts'
import { findings, type Loosened } from '../spec/fixtures.ts'

const both = { root: '/sys/fs/resctrl', allocates: ['L3', 'MB'], monitors: ['llc_occupancy'] }
const check = (intelRdt: IntelRdt, host: Partial<Parameters<typeof checkRdt>[1]> = {}) =>
  checkRdt({ ociVersion: '1.3.0', linux: { intelRdt } } as Spec, { resctrl: both, realRoot: true, ...host }).map(
    ({ pointer, message }) => `${pointer.slice('/linux/intelRdt'.length)}: ${message}`,
  )

describe('checkRdt', () => {
  it('asks nothing of a machine when nothing is asked', () => {
    assert.deepEqual(checkRdt({ ociVersion: '1.3.0' } as Spec, { resctrl: undefined, realRoot: false }), [])
  })

  it('refuses everything without resctrl, and without being its root', () => {
    assert.match(check({}, { resctrl: undefined })[0] ?? '', /not enabled.*mount -t resctrl/)
    assert.match(check({}, { realRoot: false })[0] ?? '', /only its root/)
  })

  it('names each part that the kernel does not offer', () => {
    const all = { l3CacheSchema: 'L3:0=f', memBwSchema: 'MB:0=20', schemata: ['L2:0=f'], enableMonitoring: true }
    assert.deepEqual(check(all), ['/schemata/0: the kernel offers no classes of L2 here'])
    const found = check(all, { resctrl: { ...both, allocates: [], monitors: [] } })
    assert.deepEqual(
      found.map((line) => line.split(':')[0]),
      ['/l3CacheSchema', '/memBwSchema', '/enableMonitoring', '/schemata/0'],
    )
    assert.match(found[0] ?? '', /Intel RDT\/CAT is not enabled/)
    assert.deepEqual(
      check({ l3CacheSchema: 'L3CODE:0=f' }, { resctrl: { ...both, allocates: ['L3CODE', 'L3DATA'] } }),
      [],
    )
  })
})

describe('planRdt', () => {
  it('gives a container its own class, a named one, or that of everybody', () => {
    const kind = (closID?: string) => {
      const plan = planRdt({ ...(closID === undefined ? {} : { closID }), enableMonitoring: true }, both, 'box')
      return [plan?.kind, plan?.group, plan?.monitor]
    }
    assert.deepEqual(kind(), ['own', '/sys/fs/resctrl/box', '/sys/fs/resctrl/box/mon_groups/box'])
    assert.deepEqual(kind('gold'), ['named', '/sys/fs/resctrl/gold', '/sys/fs/resctrl/gold/mon_groups/box'])
    assert.deepEqual(kind('/'), ['default', '/sys/fs/resctrl', '/sys/fs/resctrl/mon_groups/box'])
  })

  it('writes the cache first, the bandwidth next, the lines as they are last', () => {
    const lines = linesOf({ schemata: ['L2:0=f', 'MB:1=10'], memBwSchema: 'MB:0=20', l3CacheSchema: 'L3:0=f\nL3:1=f' })
    assert.deepEqual(lines, ['L3:0=f', 'L3:1=f', 'MB:0=20', 'L2:0=f', 'MB:1=10'])
  })
})

describe('schemata', () => {
  it('are read with any blanks, and junk is no line', () => {
    assert.deepEqual(parseLine('   L3: 0 = 7ff ;1=c0'), {
      resource: 'L3',
      values: new Map([
        [0, '7ff'],
        [1, 'c0'],
      ]),
    })
    assert.equal(parseLine('nothing'), undefined)
  })

  it('are the same whatever zeros, order and blanks they are written with', () => {
    const value = fc.record({ domain: fc.nat(7), mask: fc.integer({ min: 1, max: 0xfffff }), zeros: fc.nat(3) })
    fc.assert(
      fc.property(fc.uniqueArray(value, { minLength: 1, selector: ({ domain }) => domain }), (values) => {
        const asked = `L3:${values.map(({ domain, mask }) => `${domain}=${mask.toString(16)}`).join(';')}`
        const kernel = values
          .toReversed()
          .map(({ domain, mask, zeros }) => `${domain}=${'0'.repeat(zeros)}${mask.toString(16)}`)
        assert.equal(firstDifference([asked], `    L3:${kernel.join(';')}\n    MB:0=100\n`, { step: 10 }), undefined)
        const other = `L3:${values[0]?.domain}=${((values[0]?.mask ?? 0) ^ 1).toString(16)}`
        assert.equal(firstDifference([other], `L3:${kernel.join(';')}\n`, { step: 10 }), other)
      }),
    )
  })

  it('take a share of bandwidth for the step that the kernel makes of it', () => {
    const differs = (asked: string) => firstDifference([asked], 'MB:0=20;1=100\n', { step: 10 })
    assert.equal(differs('MB:0=15'), undefined)
    assert.equal(differs('MB:0=20'), undefined)
    assert.equal(differs('MB:0=25'), 'MB:0=25')
    assert.equal(differs('MB:2=20'), 'MB:2=20', 'a cache that is not there')
    assert.equal(differs('L2:0=f'), 'L2:0=f')
  })
})

describe('findResctrl', () => {
  it('takes it wherever it is mounted, and not what covers it', () => {
    const root = '1 0 8:1 / / rw - ext4 a rw'
    const mounts = (...lines: string[]) => parseMountinfo([root, ...lines].join('\n'))
    assert.equal(findResctrl(mounts()), undefined)
    assert.equal(findResctrl(mounts('2 1 0:9 / /mnt/r rw - resctrl resctrl rw'))?.root, '/mnt/r')
    const covered = mounts('2 1 0:9 / /mnt/r rw - resctrl resctrl rw', '3 2 0:10 / /mnt/r rw - tmpfs t rw')
    assert.equal(findResctrl(covered), undefined)
  })
})

describe('rdtIssues', () => {
  const found = (intelRdt: Loosened) =>
    findings((d) => (d.linux.intelRdt = intelRdt)).map((line) => line.replace('/linux/intelRdt', ''))

  it('takes what the kernel can take', () => {
    const lines = ['L3:0=7f0;1=1f', 'L2:0=f;1=f;2=f;3=f', 'MB:0=20;1=70', ' L3CODE: 0 = ff; 1 = ff;']
    assert.deepEqual(found({ closID: 'guaranteed_group', schemata: lines, enableMonitoring: true }), [])
    assert.deepEqual(found({ closID: '/', l3CacheSchema: 'L3DATA:0=f', memBwSchema: 'MB:0=5000' }), [])
    assert.deepEqual(found({ closID: '', l3CacheSchema: '', memBwSchema: '' }), [])
  })

  for (const closID of ['a/b', '.', '..', '../x', 'info', 'mon_groups', 'mon_data', 'a\nb', 'x'.repeat(256)])
    it(`refuses the class ${JSON.stringify(closID.slice(0, 12))}`, () =>
      assert.match(found({ closID })[0] ?? '', /^error \/closID: .* is not the name of a class/))

  it('refuses lines of another resource, several in one, and junk', () => {
    assert.match(found({ l3CacheSchema: 'MB:0=20' })[0] ?? '', /\/l3CacheSchema: .*begin with L3:/)
    assert.match(found({ memBwSchema: 'L3:0=f' })[0] ?? '', /\/memBwSchema: .*begin with MB:/)
    assert.match(found({ memBwSchema: 'MB:0=20\nL3:0=f' })[0] ?? '', /\/memBwSchema: it must be a single line/)
    assert.match(found({ schemata: ['L3:0=f', 'x\ny'] })[0] ?? '', /\/schemata\/1: it must be a single line/)
    for (const junk of ['L3:', 'L3:0', 'L3:0=', 'L3:0=zz', '0=f', 'L3:0=f;;1=f'])
      assert.match(found({ schemata: [junk] })[0] ?? '', /\/schemata\/0: .*no line of a schemata file/)
    assert.deepEqual(found({ l3CacheSchema: 'L3:0=f\nL3:1=f' }), ['warning /l3CacheSchema: it should be a single line'])
  })
})
