// The layout of the cgroup trees as data.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCgroup } from '../../../src/host/cgroup.ts'
import { parseMountinfo } from '../../../src/host/mountinfo.ts'

const root = '1 0 8:1 / / rw - ext4 a rw'
const sys = '2 1 0:6 / /sys rw - sysfs sysfs rw'
const v2 = '3 2 0:7 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate'
const tmpfs = '3 2 0:7 / /sys/fs/cgroup ro - tmpfs tmpfs ro'
const memory = '4 3 0:8 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory'
const systemd = '5 3 0:9 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd'
const unified = '6 3 0:10 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw'

const read = (lines: readonly string[], membership: string, writable: readonly string[] = []) =>
  readCgroup({
    mounts: parseMountinfo([root, sys, ...lines].join('\n')),
    membership,
    mayWrite: (path) => writable.includes(path),
  })

test('cgroup2 alone is v2, with our own path', () => {
  assert.deepEqual(read([v2], '0::/user.slice/a.scope\n'), {
    layout: 'v2',
    unified: '/sys/fs/cgroup',
    ownPath: '/user.slice/a.scope',
    writable: false,
    hierarchies: [{ version: 2, controllers: [], target: '/sys/fs/cgroup', ownPath: '/user.slice/a.scope' }],
  })
})

test('v2 is writable when the directory and cgroup.procs are', () => {
  const directory = '/sys/fs/cgroup/own'
  assert.equal(read([v2], '0::/own\n', [directory]).writable, false)
  assert.equal(read([v2], '0::/own\n', [directory, `${directory}/cgroup.procs`]).writable, true)
})

test('controllers on v1 beside an empty cgroup2 are hybrid', () => {
  const found = read([tmpfs, memory, systemd, unified], '2:memory:/x\n1:name=systemd:/\n0::/y\n')
  assert.equal(found.layout, 'hybrid')
  assert.equal(found.unified, '/sys/fs/cgroup/unified')
  assert.equal(found.ownPath, '/y')
  assert.deepEqual(
    found.hierarchies.map(({ target, controllers, ownPath }) => [target, controllers.join(), ownPath]),
    [
      ['/sys/fs/cgroup/memory', 'memory', '/x'],
      ['/sys/fs/cgroup/systemd', 'name=systemd', '/'],
      ['/sys/fs/cgroup/unified', '', '/y'],
    ],
  )
})

test('controllers on v1 alone are v1, and writable where a controller is', () => {
  const directory = '/sys/fs/cgroup/memory/x'
  const found = read([tmpfs, memory], '2:memory:/x\n', [directory, `${directory}/cgroup.procs`])
  assert.deepEqual([found.layout, found.unified, found.ownPath, found.writable], ['v1', undefined, undefined, true])
})

test('a named hierarchy beside a full cgroup2 does not make it hybrid', () => {
  const extra = '5 1 0:9 / /run/cgroup-systemd rw - cgroup cgroup rw,xattr,name=systemd'
  assert.equal(read([v2, extra], '0::/\n').layout, 'v2')
})

test('without any cgroup mount, or with one that is covered, there is none', () => {
  assert.equal(read([], '0::/\n').layout, 'none')
  assert.equal(read([v2, '9 3 0:11 / /sys/fs/cgroup rw - tmpfs over rw'], '0::/\n').layout, 'none')
})

test('where only a part of the tree is mounted, our path begins at that part', () => {
  const part = '3 2 0:7 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw'
  assert.equal(read([part], '0::/docker/abc/own\n').ownPath, '/own')
  assert.equal(read([part], '0::/docker/abc\n').ownPath, '/')
  assert.equal(read([part], '0::/docker/abcdef\n').ownPath, undefined)
})

test('outside of the root of the cgroup namespace we have no path', () => {
  assert.equal(read([v2], '0::/../other\n').ownPath, undefined)
  assert.equal(read([v2], '0::/..\n').ownPath, undefined)
  assert.equal(read([v2], '').ownPath, undefined)
})

test('of several trees the one at the usual place is taken', () => {
  const elsewhere = '9 1 0:12 / /mnt rw - cgroup2 cgroup2 rw'
  assert.equal(read([elsewhere, v2], '0::/\n').unified, '/sys/fs/cgroup')
  assert.equal(read([elsewhere], '0::/\n').unified, '/mnt')
})

test('a hierarchy that is mounted twice counts once, where we see ourselves in it', () => {
  const part = '7 1 0:8 /other /mnt rw - cgroup cgroup rw,memory'
  assert.deepEqual(read([tmpfs, part, memory], '2:memory:/x\n').hierarchies, [
    { version: 1, controllers: ['memory'], target: '/sys/fs/cgroup/memory', ownPath: '/x' },
  ])
})
