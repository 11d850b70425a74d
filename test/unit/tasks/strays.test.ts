import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRuntime, isShim } from '../../../src/tasks/shim/strays.ts'

const calling = { namespace: 'n', id: 'box', bundle: '/s/n/box', socket: '/s/service.sock' }
const shim = ['containerd-shim-x-v2', '-namespace', 'n', '-id', 'box', '-address', '/s/service.sock', 'start']

test('a shim is known by namespace, id and service together, whatever its directory is', () => {
  assert.equal(isShim(shim, calling), true)
  for (const [option, other] of [
    ['-namespace', 'm'],
    ['-id', 'bo'],
    ['-address', '/t/service.sock'],
  ])
    assert.equal(isShim(shim.with(shim.indexOf(option ?? '') + 1, other ?? ''), calling), false, option)
  assert.equal(isShim(shim.slice(0, -2), calling), false)
  assert.equal(isShim([], calling), false)
})

test('a runtime is known by its log, which lies in the bundle', () => {
  assert.equal(isRuntime(['runc', '--root', '/r', '--log', '/s/n/box/log.json', 'create', 'box'], calling), true)
  assert.equal(isRuntime(['runc', '--log', '/s/n/box-2/log.json', 'create', 'box-2'], calling), false)
  assert.equal(isRuntime(['cat', '/s/n/box/log.json'], calling), false)
})
