// Needs a static busybox: masked and read-only paths.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { inside } from '../fixtures/inside.ts'
import { succeeded } from '../fixtures/world.ts'

testAs({}, 'a masked file is empty, a masked directory has no entries, and neither can be filled', async (world) => {
  const script =
    'cat /etc/passwd; ls -A /home/full; (echo x > /home/full/new) 2>/dev/null || echo refused; umount /etc/passwd 2>/dev/null || echo locked'
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', script]
    config.linux.maskedPaths = ['/etc/passwd', '/home/full', '/not/there']
  })
  mkdirSync(join(bundle.rootfs, 'home/full'))
  writeFileSync(join(bundle.rootfs, 'home/full/file'), '')
  assert.equal(succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()])), 'refused\nlocked\n')
})

testAs(
  {},
  'masked directories share one empty file system, and a path that is named twice is covered once',
  async (world) => {
    const script =
      'cd /home; stat -c %d a b c | uniq | wc -l; ls -A a b/below c; touch b/x 2>/dev/null || echo refused; grep -c " /home/a " /proc/self/mounts'
    const bundle = await world.bundle((config) => {
      config.process.args = ['sh', '-c', script]
      config.linux.maskedPaths = ['/home/a', '/home/b', '/home/b/below', '/home/a', '/home/c']
    })
    for (const name of ['a', 'b/below', 'c']) {
      mkdirSync(join(bundle.rootfs, 'home', name), { recursive: true })
      writeFileSync(join(bundle.rootfs, 'home', name, 'file'), '')
    }
    const { stdout } = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
    assert.equal(stdout, '1\na:\n\nc:\nrefused\n1\n')
  },
)

testAs({}, 'a read-only path can be read, and nothing below can be written', async (world) => {
  const script =
    'cat /etc/passwd | head -1; (echo x >> /etc/passwd) 2>/dev/null || echo refused; (echo x > /etc/new) 2>/dev/null || echo refused; touch /tmp/fine'
  const output = await inside(world, script, (config) => {
    config.linux.readonlyPaths = ['/etc', '/not/there']
  })
  assert.equal(output, 'root:x:0:0:root:/root:/bin/sh\nrefused\nrefused')
})

testAs({}, 'a mask lies on top of the mount that it masks', async (world) => {
  const output = await inside(world, 'ls -A /mnt', (config: Config) => {
    config.mounts.push({ destination: '/mnt', type: 'bind', source: '/etc', options: ['rbind', 'ro'] })
    config.linux.maskedPaths = ['/mnt']
  })
  assert.equal(output, '')
})

testAs({}, 'the default masks cover what tells about the machine', async (world) => {
  const output = await inside(
    world,
    'cat /proc/timer_list /proc/keys 2>/dev/null | wc -c; (echo 1 > /proc/sysrq-trigger) 2>/dev/null || echo refused',
  )
  assert.equal(output, '0\nrefused')
})
