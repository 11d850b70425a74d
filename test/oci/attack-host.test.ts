// Needs a static busybox: what a container could reach of the host past its mounts: devices, our own process, our files.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { needs } from '../fixtures/needs.ts'
import { refused, succeeded } from '../fixtures/world.ts'

/** No cgroup, so no device rules. */
const unguarded = ['--cgroup-manager', 'disabled']

testAs({ as: ['root'] }, 'where nothing guards the devices, a node in the image is none of the host', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'head -c 1 /made/zero && echo opened; true']
  })
  mkdirSync(join(bundle.path, 'rootfs/made'), { recursive: true })
  execFileSync('mknod', [join(bundle.path, 'rootfs/made/zero'), 'c', '1', '5'])
  const { stdout, stderr } = await world.usnea([...unguarded, 'run', '--bundle', bundle.path, world.newId()])
  assert.doesNotMatch(stdout, /opened/)
  assert.match(stderr, /Permission denied/)
})

testAs({ as: ['root'] }, 'CAP_MKNOD is not handed out while nothing guards the devices', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'mknod /dev/made c 1 5 2>&1; grep CapEff /proc/self/status']
    const all = ['CAP_MKNOD', 'CAP_CHOWN']
    config.process.capabilities = { bounding: all, effective: all, permitted: all, inheritable: [], ambient: [] }
  })
  const output = succeeded(await world.usnea([...unguarded, 'run', '--bundle', bundle.path, world.newId()]))
  assert.match(output, /not permitted/)
  assert.match(output, /CapEff:\s+0000000000000001/)
})

testAs({ as: ['root'] }, 'no proc of the host is left beneath a root that was only moved', async (world) => {
  const script = `unshare -mrpf sh -c 'mount -t proc none /proc && echo mounted' 2>&1`
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', script]
  })
  // Two on top of each other, and one more elsewhere.
  const stack = 'mount -t tmpfs none /mnt && mkdir /mnt/proc && mount -t proc none /mnt/proc && exec "$@"'
  const through = ['unshare', '-mpf', '--mount-proc', 'sh', '-c', stack, 'sh']
  const args = ['run', '--no-pivot', '--bundle', bundle.path, world.newId()]
  const { stdout } = await world.usnea(args, { through })
  assert.match(stdout, /permission denied/)
  assert.doesNotMatch(stdout, /mounted/)
})

testAs({ as: ['root', 'ranges'] }, 'exec writes nothing through a /proc that the image made up', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    config.process.oomScoreAdj = 500
    config.mounts = config.mounts.filter(({ destination }) => destination !== '/proc')
    config.linux.maskedPaths = []
    config.linux.readonlyPaths = []
  })
  const fake = join(bundle.path, 'rootfs/proc/self')
  mkdirSync(fake, { recursive: true })
  const victim = join(fake, 'oom_score_adj')
  writeFileSync(victim, 'untouched', { mode: 0o666 })
  const id = world.newId()
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  succeeded(await world.usnea(['start', id]))
  succeeded(await world.usnea(['exec', id, 'true']))
  assert.equal(readFileSync(victim, 'utf8'), 'untouched')
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({ as: ['ranges'] }, 'the init of a created container cannot be looked into by its own user', async (world) => {
  const bundle = await world.bundle()
  const id = world.newId()
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  const { pid } = JSON.parse(succeeded(await world.usnea(['state', id])))
  // An undumpable process belongs to root in /proc, whoever runs it: proc(5).
  assert.equal(statSync(`/proc/${pid}/environ`).uid, 0)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({ as: ['root'] }, 'of a pid namespace that is joined only our own processes are ours', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })
  const first = world.newId()
  succeeded(await world.usnea(['create', '--bundle', bundle.path, first]))
  succeeded(await world.usnea(['start', first]))
  const { pid } = JSON.parse(succeeded(await world.usnea(['state', first])))
  const second = world.newId()
  const joined = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    config.linux.namespaces = config.linux.namespaces.map((namespace) =>
      namespace.type === 'pid' ? { type: 'pid', path: `/proc/${pid}/ns/pid` } : namespace,
    )
  })
  succeeded(await world.usnea(['create', '--bundle', joined.path, second]))
  succeeded(await world.usnea(['start', second]))
  const members = JSON.parse(succeeded(await world.usnea(['ps', '--format', 'json', second])))
  assert.ok(!members.includes(pid))
  succeeded(await world.usnea(['delete', '--force', second]))
  assert.equal(JSON.parse(succeeded(await world.usnea(['state', first]))).status, 'running')
  succeeded(await world.usnea(['delete', '--force', first]))
})

const skipPython = needs('python3')

testAs(
  { as: ['root'], ...(skipPython ? { skip: skipPython } : {}) },
  'a hook that leaves its process group is ended by its timeout all the same',
  async (world) => {
    const script = join(world.identity.home, 'runaway.py')
    const text = '#!/usr/bin/env python3\nimport os, time\nos.setpgid(0, os.getppid())\ntime.sleep(60)\n'
    writeFileSync(script, text, { mode: 0o755 })
    const bundle = await world.bundle((config) => {
      config.hooks = { createContainer: [{ path: script, timeout: 1 }] }
    })
    refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /timeout/)
  },
)
