// What mountinfo tells: paths, what is covered, whether the kernel would allow a fresh proc or sysfs, chroots.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isChrooted } from '../../../src/host/chroot.ts'
import { isCovered, isWithin, mountOf, parseMountinfo } from '../../../src/host/mountinfo.ts'
import { isFullyVisible } from '../../../src/host/visible.ts'

test('a line is read with its optional fields, its escapes and an empty source', () => {
  const [mount] = parseMountinfo(
    '36 35 98:0 /mnt\\0401 /mnt\\134a\\011b rw,noatime shared:1 master:2 - tmpfs  rw,size=4k\n',
  )
  assert.deepEqual(mount, {
    id: 36,
    parent: 35,
    device: '98:0',
    root: '/mnt 1',
    target: '/mnt\\a\tb',
    options: ['rw', 'noatime'],
    fstype: 'tmpfs',
    source: '',
    superOptions: ['rw', 'size=4k'],
  })
})

test('no text makes the parser throw, and every mount it finds has a target', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const mount of parseMountinfo(text)) assert.equal(typeof mount.target, 'string')
    }),
  )
  assert.deepEqual(parseMountinfo('garbage\n1 2 3\n - \n'), [])
})

test('a path belongs to the deepest mount above it, and to the topmost of a stack', () => {
  const mounts = parseMountinfo(
    '1 0 8:1 / / rw - ext4 a rw\n2 1 0:1 / /usr rw,nosuid - ext4 b rw\n3 2 0:2 / /usr rw - tmpfs c rw\n',
  )
  assert.equal(mountOf(mounts, '/usr/bin/newuidmap')?.source, 'c')
  assert.equal(mountOf(mounts, '/usrlocal')?.source, 'a')
  assert.equal(mountOf([], '/'), undefined)
})

test('a path is not within a directory whose name it only begins with', () => {
  assert.equal(isWithin('/a/b', '/a'), true)
  assert.equal(isWithin('/a', '/a'), true)
  assert.equal(isWithin('/ab', '/a'), false)
  assert.equal(isWithin('/ab', '/'), true)
})

test('a mount is covered by one on its root, by a sibling above it, and with its parent', () => {
  const mounts = parseMountinfo(
    [
      '1 1 0:1 / / rw - rootfs rootfs rw',
      '2 1 0:2 / /sys rw - sysfs sysfs rw',
      '3 2 0:3 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw',
      '4 2 0:4 / /sys/fs rw - tmpfs over rw',
      '5 1 0:5 / /dev rw - tmpfs dev rw',
      '6 5 0:6 / /dev/pts rw - devpts pts rw',
      '7 6 0:7 / /dev/pts rw - devpts again rw',
      '8 1 0:8 / /a rw - tmpfs a rw',
      '9 8 0:9 / /a/b rw - tmpfs b rw',
      '10 8 0:10 / /a rw - tmpfs top rw',
    ].join('\n'),
  )
  const covered = mounts.filter((mount) => isCovered(mounts, mount)).map(({ source, id }) => `${id} ${source}`)
  assert.deepEqual(covered, ['3 cgroup2', '6 pts', '8 a', '9 b'])
})

const proc = '2 1 0:5 / /proc rw,relatime - proc proc rw'
const sysfs = '3 1 0:6 / /sys rw,relatime - sysfs sysfs rw'
const visible = (lines: readonly string[], type: 'proc' | 'sysfs') =>
  isFullyVisible(parseMountinfo(['1 0 8:1 / / rw,relatime - ext4 a rw', ...lines].join('\n')), type)

test('a whole proc is visible; masks of Docker and podman hide it', () => {
  assert.equal(visible([proc], 'proc'), true)
  for (const path of ['/proc/kcore', '/proc/acpi', '/proc/sys', '/proc/sysrq-trigger', '/proc']) {
    assert.equal(visible([proc, `9 2 0:9 / ${path} ro,relatime - tmpfs tmpfs ro`], 'proc'), false, path)
  }
})

test('mounts on the directories that the kernel keeps empty hide nothing', () => {
  assert.equal(visible([proc, '9 2 0:9 / /proc/sys/fs/binfmt_misc rw - binfmt_misc b rw'], 'proc'), true)
  assert.equal(visible([proc, '9 2 0:9 / /proc/fs/nfsd rw - nfsd n rw'], 'proc'), true)
  const paths =
    'fs/cgroup kernel/debug kernel/security kernel/tracing fs/bpf fs/fuse/connections kernel/config fs/pstore fs/selinux firmware/efi/efivars'
  const children = paths.split(' ').map((path, i) => `${10 + i} 3 0:9 / /sys/${path} rw - x x rw`)
  assert.equal(visible([sysfs, ...children], 'sysfs'), true)
  assert.equal(visible([sysfs, '9 3 0:9 / /sys/firmware ro - tmpfs tmpfs ro'], 'sysfs'), false)
})

test('one clean proc anywhere lifts the refusal', () => {
  const masked = [proc, '9 2 0:9 / /proc/kcore ro - tmpfs tmpfs ro']
  assert.equal(visible([...masked, '12 1 0:5 / /mnt/clean rw,relatime - proc proc rw'], 'proc'), true)
})

test('a part of a proc, a read-only one and one with other atime settings do not count', () => {
  assert.equal(visible(['2 1 0:5 /sys /proc rw,relatime - proc proc rw'], 'proc'), false)
  assert.equal(visible(['2 1 0:5 / /proc ro,relatime - proc proc rw'], 'proc'), false)
  assert.equal(visible(['2 1 0:5 / /proc rw,relatime - proc proc ro'], 'proc'), false)
  assert.equal(visible(['2 1 0:5 / /proc rw,noatime - proc proc rw'], 'proc'), false)
  assert.equal(visible(['2 1 0:5 / /proc rw,nodiratime,relatime - proc proc rw'], 'proc'), false)
})

test('no proc at all is no visible proc', () => {
  assert.equal(visible([], 'proc'), false)
  assert.equal(visible([proc], 'sysfs'), false)
})

const whole = parseMountinfo('27 1 254:0 / / rw - ext4 a rw\n22 27 0:21 / /proc rw - proc proc rw\n')

test('a root without a mount of its own is a chroot', () => {
  assert.equal(
    isChrooted(parseMountinfo('22 27 0:21 / /proc rw - proc proc rw\n'), () => undefined),
    true,
  )
})

test('a chroot to a mount point shows in the list of pid 1', () => {
  const seen = '1 0 8:1 / / rw - ext4 a rw\n27 1 254:0 / /srv/jail rw - ext4 a rw\n'
  assert.equal(
    isChrooted(whole, () => seen),
    true,
  )
})

test('the root of the mount namespace is no chroot, whatever pid 1 shows or hides', () => {
  assert.equal(
    isChrooted(whole, () => '27 1 254:0 / / rw - ext4 a rw\n'),
    false,
  )
  assert.equal(
    isChrooted(whole, () => '127 1 254:0 / / rw - ext4 other-namespace rw\n'),
    false,
  )
  assert.equal(
    isChrooted(whole, () => undefined),
    false,
  )
  assert.equal(
    isChrooted([], () => undefined),
    false,
    'without /proc nothing is known',
  )
})
