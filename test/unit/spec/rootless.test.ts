import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withUserNamespace } from '../../../src/spec/rootless.ts'
import { template } from '../../../src/spec/template.ts'
import type { Spec } from '../../../src/spec/types.ts'
import { validate } from '../../../src/spec/validate.ts'

const maps = {
  uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
  gidMappings: [{ containerID: 0, hostID: 1001, size: 1 }],
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null)
    for (const part of Object.values(Object.freeze(value))) deepFreeze(part)
  return value
}

describe('withUserNamespace', () => {
  it('adds the namespace and both maps to a configuration for root, without changing it', () => {
    const given = deepFreeze(template({ rootless: false, uid: 0, gid: 0 }))
    const { spec, added } = withUserNamespace(given, maps)
    assert.deepEqual(added, ['/linux/namespaces/6', '/linux/uidMappings', '/linux/gidMappings'])
    assert.deepEqual(spec.linux?.namespaces?.at(-1), { type: 'user' })
    assert.deepEqual([spec.linux?.uidMappings, spec.linux?.gidMappings], [maps.uidMappings, maps.gidMappings])
    assert.deepEqual(validate(spec), [])
  })

  it('adds only the map that is missing', () => {
    const own = [{ containerID: 0, hostID: 5, size: 1 }]
    const given: Spec = {
      ociVersion: '1.0.0',
      linux: { namespaces: [{ type: 'user' }], uidMappings: own, gidMappings: [] },
    }
    const { spec, added } = withUserNamespace(given, maps)
    assert.deepEqual(added, ['/linux/gidMappings'])
    assert.deepEqual([spec.linux?.uidMappings, spec.linux?.gidMappings], [own, maps.gidMappings])
  })

  it('leaves a complete configuration as it is', () => {
    const given = template({ rootless: true, uid: 1, gid: 1 })
    assert.deepEqual(withUserNamespace(given, maps), { spec: given, added: [] })
  })

  it('gives no maps to a namespace that is joined', () => {
    const given: Spec = { ociVersion: '1.0.0', linux: { namespaces: [{ type: 'user', path: '/proc/1/ns/user' }] } }
    assert.deepEqual(withUserNamespace(given, maps), { spec: given, added: [] })
  })

  it('works on a configuration without any section', () => {
    const { spec, added } = withUserNamespace({ ociVersion: '1.0.0' }, maps)
    assert.deepEqual(spec.linux, { namespaces: [{ type: 'user' }], ...maps })
    assert.equal(added.length, 3)
  })
})
