// Needs root, writable cgroups and a static busybox: a device cgroup keeps the host's devices from whoever may make nodes.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { whyNoCgroup } from '../fixtures/cgroups.ts'
import { inside } from '../fixtures/inside.ts'
import { succeeded } from '../fixtures/world.ts'

/** Node 1:11 is /dev/kmsg: no container has it, and writing to it needs no capability. Nothing is written here. */
const guarded = { as: ['root'], skip: whyNoCgroup() } as const

testAs(guarded, 'a node of the host that the container makes cannot be opened', async (world) => {
  const output = await inside(
    world,
    'exec 2>&1; mknod /dev/made c 1 11 && echo made; (: > /dev/made); mknod /dev/nil c 1 3 && echo x > /dev/nil && echo written',
  )
  assert.match(output, /made\n.*not permitted\nwritten/)
})

testAs(guarded, 'a node of the host in the image or in a volume cannot be opened', async (world) => {
  const volume = join(world.identity.home, 'volume')
  mkdirSync(volume)
  execFileSync('mknod', [join(volume, 'log'), 'c', '1', '11'])
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'for f in /made/log /volume/log; do (: > $f) && echo opened; done; true']
    config.mounts.push({ destination: '/volume', type: 'bind', source: volume, options: ['rbind', 'rw'] })
  })
  mkdirSync(join(bundle.path, 'rootfs/made'), { recursive: true })
  execFileSync('mknod', [join(bundle.path, 'rootfs/made/log'), 'c', '1', '11'])
  const { stdout, stderr } = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
  assert.doesNotMatch(stdout, /opened/)
  assert.equal(stderr.match(/not permitted/g)?.length, 2, stderr)
})

testAs(guarded, 'a rule opens what it names and nothing else, for exec as well', async (world) => {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    const devices = [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', major: 1, minor: 11, access: 'w' },
    ]
    Object.assign(config.linux, { resources: { devices } })
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  const script = 'mknod /dev/log c 1 11; (: > /dev/log) && echo written; (: < /dev/log) || echo refused'
  const { stdout } = await world.usnea(['exec', id, 'sh', '-c', script])
  assert.equal(stdout, 'written\nrefused\n')
  succeeded(await world.usnea(['delete', '--force', id]))
})
