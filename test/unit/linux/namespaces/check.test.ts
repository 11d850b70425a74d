import assert from 'node:assert/strict'
import { test } from 'node:test'
import { strayProcesses } from '../../../../src/linux/namespaces/check.ts'
import type { Spec } from '../../../../src/spec/types.ts'

const sharing = (path?: string) =>
  ({ linux: { namespaces: path === undefined ? [] : [{ type: 'pid', path }] } }) as unknown as Spec
const own = { linux: { namespaces: [{ type: 'pid' }] } } as unknown as Spec

test('processes that neither a pid namespace nor a cgroup holds together are warned about, aloud', () => {
  for (const spec of [sharing(), sharing('/proc/1/ns/pid')]) {
    const [found] = strayProcesses(spec, false)
    assert.match(found?.message ?? '', /strongly discouraged/)
    assert.equal(found?.loud, true)
    assert.deepEqual(strayProcesses(spec, true), [])
  }
  assert.deepEqual(strayProcesses(own, false), [])
})
