// Needs root, writable cgroups and a static busybox: what a hostile root sees of the cgroup trees, and what it can do there.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { ownCgroups, whyNoCgroup } from '../fixtures/cgroups.ts'
import type { Config } from '../fixtures/config.ts'
import { inside, mountsInside } from '../fixtures/inside.ts'
import { succeeded } from '../fixtures/world.ts'

const asRoot = { as: ['root'], skip: whyNoCgroup() } as const
const hasV1 = ownCgroups().some(({ version }) => version === 1)

interface Wish {
  readonly type?: 'cgroup' | 'cgroup2'
  readonly access: 'ro' | 'rw'
  readonly namespace: boolean
}

const withCgroups =
  ({ type = 'cgroup', access, namespace }: Wish) =>
  (config: Config) => {
    config.mounts.push({ destination: '/sys/fs/cgroup', type, source: 'cgroup', options: ['nosuid', access] })
    if (namespace) config.linux.namespaces.push({ type: 'cgroup' })
  }

for (const namespace of [true, false]) {
  const where = namespace ? 'in a cgroup namespace' : 'without a cgroup namespace'

  testAs(asRoot, `${where}, a writable mount shows the own cgroup and nothing above or beside it`, async (world) => {
    const other = world.newId()
    const sleeper = await world.bundle((config) => {
      config.process.args = ['sleep', '1000']
    })
    succeeded(await world.usnea(['run', '--detach', '--bundle', sleeper.path, other]))
    const script = `cd /sys/fs/cgroup; find . -name release_agent -o -name '${other}'; find . -name cgroup.procs | while read f; do cat $f; done | grep -c '^0$'; p=$(find . -name cgroup.procs | head -n 1); mkdir \${p%/*}/sub && echo made`
    const output = await inside(world, script, withCgroups({ access: 'rw', namespace }))
    // A process of another pid namespace would show as 0: all others of the host would.
    const [count, made] = output.split('\n')
    assert.equal(count, '0', output)
    assert.equal(made, 'made', output)
    succeeded(await world.usnea(['delete', '--force', other]))
  })

  testAs(asRoot, `${where}, a read-only mount can be written nowhere`, async (world) => {
    const script = 'cd /sys/fs/cgroup; for d in $(find . -type d); do mkdir $d/sub 2>/dev/null && echo $d; done; true'
    assert.equal(await inside(world, script, withCgroups({ access: 'ro', namespace })), '')
  })
}

testAs(asRoot, 'every tree has its mount, closed to programs and devices', async (world) => {
  const mounts = (await mountsInside(world, withCgroups({ access: 'ro', namespace: true }))).filter(({ type }) =>
    type.startsWith('cgroup'),
  )
  const trees = ownCgroups().filter(({ version }) => (version === 1) === hasV1)
  assert.equal(mounts.length, trees.length)
  for (const { options, target } of mounts)
    for (const option of ['ro', 'nosuid', 'nodev', 'noexec']) assert.ok(options.includes(option), `${target} ${option}`)
})

testAs(
  asRoot,
  'limits of the container cannot be lifted through a read-only mount that is bound again',
  async (world) => {
    const script =
      'mkdir /tmp/again; mount -o bind /sys/fs/cgroup /tmp/again 2>&1; mount -o remount,rw /sys/fs/cgroup 2>&1; true'
    const output = await inside(world, script, withCgroups({ access: 'ro', namespace: true }))
    assert.equal(output.match(/denied|not permitted/g)?.length, 2, output)
  },
)

testAs(asRoot, 'a cgroup that was nested deeper than a path can name hides nobody, and is removed', async (world) => {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'sleep 1000 & sleep 1000']
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  const all = () => world.usnea(['ps', '--format', 'json', id]).then((outcome) => JSON.parse(succeeded(outcome)))
  const before: number[] = await all()
  assert.equal(before.length, 2)
  const [last = 0] = before.slice(-1)
  const name = 'x'.repeat(200)
  for (const { base, controllers } of ownCgroups()) {
    // A new cpuset of v1 takes no process before it has been filled.
    if (controllers.includes('cpuset')) continue
    const script = `for i in $(seq 30); do mkdir ${name} && cd -P ${name} || exit 1; done; echo ${last} > cgroup.procs`
    assert.equal(
      spawnSync('sh', ['-c', script], { cwd: join(base, id), stdio: ['ignore', 'inherit', 'inherit'] }).status,
      0,
    )
  }
  assert.deepEqual(await all(), before)
  succeeded(await world.usnea(['kill', '--all', id, 'KILL']))
  succeeded(await world.usnea(['delete', '--force', id]))
})
