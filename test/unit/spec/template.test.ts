import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseConfig } from '../../../src/spec/parse.ts'
import { hasDeviceRules, limitsAsked, unsupported } from '../../../src/spec/support.ts'
import { renderTemplate, template } from '../../../src/spec/template.ts'
import { validate } from '../../../src/spec/validate.ts'

const options = fc.record({
  rootless: fc.boolean(),
  uid: fc.nat(2 ** 32 - 3),
  gid: fc.nat(2 ** 32 - 3),
  cgroupNamespace: fc.boolean(),
})
const types = (rootless: boolean, cgroupNamespace = true) =>
  template({ rootless, uid: 7, gid: 8, cgroupNamespace }).linux?.namespaces?.map(({ type }) => type)

describe('template', () => {
  it('is valid, supported, and asks for no cgroup but for the device rule of root', () => {
    fc.assert(
      fc.property(options, (given) => {
        const spec = template(given)
        assert.deepEqual([...validate(spec), ...unsupported(spec)], [])
        assert.equal(hasDeviceRules(spec.linux?.resources), !given.rootless)
        assert.equal(spec.linux?.cgroupsPath, undefined)
        assert.deepEqual(limitsAsked(spec.linux?.resources), [])
      }),
      { numRuns: 50 },
    )
  })

  it('for root has a network of its own and a fresh /sys', () => {
    const spec = template({ rootless: false, uid: 0, gid: 0, cgroupNamespace: true })
    assert.deepEqual(types(false), ['pid', 'ipc', 'uts', 'mount', 'cgroup', 'network'])
    assert.deepEqual(types(false, false), ['pid', 'ipc', 'uts', 'mount', 'network'])
    assert.deepEqual(
      spec.mounts?.map(({ type }) => type),
      ['proc', 'tmpfs', 'devpts', 'tmpfs', 'mqueue', 'sysfs', 'cgroup'],
    )
    assert.ok(spec.mounts?.[2]?.options?.includes('gid=5'))
    assert.equal(spec.linux?.uidMappings, undefined)
  })

  it('without root has a user namespace with our one id, no network of its own, and binds /sys read-only in depth', () => {
    const spec = template({ rootless: true, uid: 7, gid: 8, cgroupNamespace: true })
    assert.deepEqual(types(true), ['pid', 'ipc', 'uts', 'mount', 'cgroup', 'user'])
    assert.deepEqual(spec.linux?.uidMappings, [{ containerID: 0, hostID: 7, size: 1 }])
    assert.deepEqual(spec.linux?.gidMappings, [{ containerID: 0, hostID: 8, size: 1 }])
    const sys = spec.mounts?.filter(({ destination }) => destination.startsWith('/sys'))
    assert.deepEqual(
      sys?.map(({ source }) => source),
      ['/sys', 'cgroup'],
      'over the trees of the host, which /sys brings along, the container sees its own',
    )
    assert.ok(sys?.[0]?.options?.includes('rbind') && sys[0].options.includes('rro'))
    const all = spec.mounts?.flatMap((mount) => mount.options ?? []) ?? []
    assert.deepEqual(
      all.filter((option) => /^[ug]id=/.test(option)),
      [],
    )
  })

  it('is written with tabs and a newline at the end, and reads back the same', () => {
    const given = { rootless: true, uid: 1, gid: 2, cgroupNamespace: true }
    const text = renderTemplate(given)
    assert.match(text, /^\{\n\t"ociVersion": "1\.3\.0",\n/)
    assert.ok(text.endsWith('}\n'))
    assert.deepEqual(parseConfig(text), { spec: template(given) })
  })
})
