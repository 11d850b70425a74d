import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { shapes } from '../../../src/spec/generated/shapes.ts'
import { parseConfig, parseProcess, parseResources } from '../../../src/spec/parse.ts'

function configOf(value: object) {
  const parsed = parseConfig(JSON.stringify(value))
  assert.ok('spec' in parsed)
  return parsed
}

describe('fields in another case', () => {
  it('get their own names, in lists and below free keys too, and each is told', () => {
    const { spec, spelling } = configOf({
      PROCESS: { noNewPrivileges: true, CAPabilities: { Bounding: ['CAP_CHOWN'] } },
      linux: {
        resources: { hugepageLimits: [{ pagesize: '2MB', limit: 1 }], rdma: { mlx5: { hcahandles: 3 } } },
      },
    })
    assert.deepEqual(spec, {
      process: { noNewPrivileges: true, capabilities: { bounding: ['CAP_CHOWN'] } },
      linux: {
        resources: { hugepageLimits: [{ pageSize: '2MB', limit: 1 }], rdma: { mlx5: { hcaHandles: 3 } } },
      },
    })
    assert.deepEqual(
      spelling?.map(({ pointer, severity }) => [pointer, severity]),
      [
        ['/process', 'warning'],
        ['/linux/resources/hugepageLimits/0/pageSize', 'warning'],
        ['/linux/resources/rdma/mlx5/hcaHandles', 'warning'],
        ['/process/capabilities', 'warning'],
        ['/process/capabilities/bounding', 'warning'],
      ],
    )
  })

  it('become one with the section that is there, and are an error where a value would win over another one', () => {
    const resources = { cpu: { shares: 7, cpus: '0' }, CPU: { Mems: '0', Cpus: '0' }, PIDS: { limit: 3 } }
    const both = configOf({ linux: { resources } })
    assert.deepEqual(both.spec, {
      linux: { resources: { cpu: { shares: 7, cpus: '0', mems: '0' }, pids: { limit: 3 } } },
    })
    assert.ok(both.spelling?.every(({ severity }) => severity === 'warning'))
    const errorsOf = (value: object) => configOf(value).spelling?.filter(({ severity }) => severity === 'error')
    assert.deepEqual(errorsOf({ process: { noNewPrivileges: true, NoNewPrivileges: false } }), [
      { pointer: '/process/noNewPrivileges', message: 'is there twice, with different values', severity: 'error' },
    ])
    assert.equal(errorsOf({ process: { CWD: '/', Cwd: '/tmp' } })?.length, 1)
    assert.equal(errorsOf({ process: { cwd: '/' }, Process: { Cwd: '/tmp' } })?.[0]?.pointer, '/process/cwd')
    assert.equal(errorsOf({ mounts: [], Mounts: [{}] })?.[0]?.pointer, '/mounts')
    // Nested deeper than our stack.
    const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`
    const parsed = parseConfig(`{"linux":{"sysctl":${deep}},"Linux":{"sysctl":{"a":{}}}}`)
    assert.equal('spec' in parsed && parsed.spelling?.at(-1)?.severity, 'error')
  })

  it('are none where keys are free, or where nobody knows the name', () => {
    const free = {
      annotations: { OCIVersion: 'x' },
      linux: { sysctl: { 'Kernel.Domainname': 'x' }, resources: { unified: { 'Memory.max': '1' } } },
      somethingElse: { cwd: 1 },
      __proto__: null,
    }
    const parsed = configOf(free)
    assert.deepEqual(parsed, { spec: JSON.parse(JSON.stringify(free)) })
    // Letters that only become two when they change their case are others.
    assert.deepEqual(configOf({ proceß: {} }), { spec: { proceß: {} } })
    assert.deepEqual(Object.keys(configOf({ proceſs: {}, KIND: 1 }).spec), ['KIND', 'process'])
  })

  it('are found in the documents of exec and update', () => {
    assert.deepEqual((parseProcess('{"Args":["sh"]}') as { process: object }).process, { args: ['sh'] })
    assert.deepEqual((parseResources('{"pids":{"LIMIT":3}}') as { resources: object }).resources, {
      pids: { limit: 3 },
    })
  })

  it('are not taken where they would be two', () => {
    for (const { fields = {} } of shapes) {
      const names = Object.keys(fields).map((name) => name.toLowerCase())
      assert.equal(new Set(names).size, names.length, String(names))
    }
  })
})
