// Needs nothing: what this build says of itself, in the shape that engines read.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { usneaAsIs } from '../fixtures/command-line.ts'
import { succeeded } from '../fixtures/world.ts'

test('features is JSON of four blanks with a final newline', () => {
  const text = succeeded(usneaAsIs('features'))
  assert.equal(text, `${JSON.stringify(JSON.parse(text), null, 4)}\n`)
})

test('features names versions, hooks, mount options and namespaces', () => {
  const features = JSON.parse(succeeded(usneaAsIs('features')))
  assert.equal(features.ociVersionMin, '1.0.0')
  assert.match(features.ociVersionMax, /^1\.\d+\.\d+/)
  assert.deepEqual(features.hooks, [
    'prestart',
    'createRuntime',
    'createContainer',
    'startContainer',
    'poststart',
    'poststop',
  ])
  for (const option of ['bind', 'rbind', 'ro', 'rro', 'nosuid'])
    assert.ok(features.mountOptions.includes(option), option)
  assert.deepEqual(features.mountOptions, [...features.mountOptions].sort())
  assert.deepEqual([...features.linux.namespaces].sort(), [
    'cgroup',
    'ipc',
    'mount',
    'network',
    'pid',
    'time',
    'user',
    'uts',
  ])
  assert.ok(features.linux.capabilities.includes('CAP_SYS_ADMIN'))
  assert.equal(features.linux.seccomp.enabled, true)
  assert.equal(features.linux.seccomp.actions.length, 9)
})

test('version names the program and the specification', () => {
  const lines = succeeded(usneaAsIs('--version')).trimEnd().split('\n')
  assert.match(lines[0] ?? '', /^usnea version \d+\.\d+\.\d+/)
  assert.ok(lines.some((line) => /^spec: 1\.\d+\.\d+/.test(line)))
  assert.equal(succeeded(usneaAsIs('-v')), `${lines.join('\n')}\n`)
})
