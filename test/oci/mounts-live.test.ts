// Needs a static busybox, and python3 for one attack: mounts that a running container is given, and that are taken from it.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from '../fixtures/as.ts'
import { testAs } from '../fixtures/cases.ts'
import type { Config, MountEntry } from '../fixtures/config.ts'
import { startSwapping } from '../fixtures/swapper.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

const everywhere = ['root', 'ranges', 'plain', 'nested', 'contained'] as const

interface Box {
  readonly id: string
  readonly rootfs: string
  readonly change: (action: 'add' | 'remove', mounts: readonly Partial<MountEntry>[]) => ReturnType<World['usnea']>
  readonly inside: (script: string) => Promise<string>
}

async function withBox(world: World, body: (box: Box) => Promise<void>, patch?: (config: Config) => void) {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    patch?.(config)
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  const change: Box['change'] = (action, mounts) =>
    world.usnea(['mounts', action, id, world.file(`${id}.json`, JSON.stringify(mounts))])
  const inside = async (script: string) => succeeded(await world.usnea(['exec', id, 'sh', '-c', script])).trim()
  await body({ id, rootfs: bundle.rootfs, change, inside })
  succeeded(await world.usnea(['delete', '--force', id]))
}

let volumes = 0

function makeVolume({ identity }: World): string {
  const path = join(identity.home, `live-${++volumes}`)
  makeDirectory(path, 0o755, identity.user)
  writeFileSync(join(path, 'file'), 'from outside\n', { mode: 0o644 })
  return path
}

const flags = 'awk \'$2 == "/mnt/a/b" { print $4 }\' /proc/mounts'

testAs({ as: everywhere }, 'a directory, a file and a tmpfs are added with their options, and removed again', (world) =>
  withBox(world, async ({ change, inside }) => {
    const source = makeVolume(world)
    const mounts: MountEntry[] = [
      { destination: '/mnt/a/b', type: 'bind', source, options: ['rbind', 'ro', 'nosuid', 'nodev', 'noexec'] },
      { destination: '/tmp/file', source: join(source, 'file'), options: ['bind', 'ro'] },
      { destination: '/tmp/fresh', type: 'tmpfs', source: 'tmpfs', options: ['noexec', 'mode=711', 'size=64k'] },
    ]
    succeeded(await change('add', mounts))
    assert.equal(await inside('cat /mnt/a/b/file /tmp/file'), 'from outside\nfrom outside')
    assert.match(await inside(flags), /^ro,nosuid,nodev,noexec/)
    assert.equal(await inside('echo x > /mnt/a/b/new || echo refused'), 'refused')
    assert.equal(
      await inside('echo kept > /tmp/fresh/x; stat -f -c %T /tmp/fresh; stat -c %a:%u /tmp/fresh'),
      'tmpfs\n711:0',
    )
    assert.equal(await inside('dd if=/dev/zero of=/tmp/fresh/big bs=1k count=128 2>/dev/null || echo full'), 'full')
    succeeded(await change('remove', mounts))
    assert.equal(
      await inside('ls /mnt/a/b /tmp/fresh; cat /tmp/file; grep -c /mnt/a/b /proc/mounts'.concat('; true')),
      '/mnt/a/b:\n\n/tmp/fresh:\n0',
    )
  }),
)

testAs({ as: ['root'] }, 'in a user namespace a mount belongs to the container, and ids can be mapped', (world) =>
  withBox(
    world,
    async ({ change, inside }) => {
      const source = makeVolume(world)
      const mounts: MountEntry[] = [
        { destination: '/tmp/fresh', type: 'tmpfs', source: 'tmpfs' },
        { destination: '/tmp/plain', type: 'bind', source },
        { destination: '/tmp/mapped', type: 'bind', source, options: ['bind', 'idmap'] },
      ]
      succeeded(await change('add', mounts))
      assert.equal(await inside('cd /tmp; stat -c %u fresh plain/file mapped/file'), '0\n65534\n0')
      assert.equal(await inside('touch /tmp/fresh/x /tmp/mapped/y; stat -c %u /tmp/fresh/x /tmp/mapped/y'), '0\n0')
      assert.equal(statSync(join(source, 'y')).uid, 0)
      succeeded(await change('remove', mounts))
      refused(
        await change('add', [{ destination: '/mnt', type: 'bind', source: '/sys', options: ['rbind', 'noatime'] }]),
        /option of the source|cannot set the options/,
      )
    },
    (config) => {
      config.linux.namespaces.push({ type: 'user' })
      config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
      config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
    },
  ),
)

testAs({}, 'a container that waits for its start gets mounts, and one that has ended does not', async (world) => {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['cat', '/mnt/file']
  })
  const source = makeVolume(world)
  const file = world.file(`${id}.json`, JSON.stringify([{ destination: '/mnt', type: 'bind', source }]))
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  succeeded(await world.usnea(['mounts', 'add', id, file]))
  succeeded(await world.usnea(['exec', id, 'grep', '-q', 'from outside', '/mnt/file']))
  succeeded(await world.usnea(['kill', id, 'KILL']))
  while (JSON.parse(succeeded(await world.usnea(['state', id]))).status !== 'stopped');
  refused(await world.usnea(['mounts', 'add', id, file]), /container not running/)
  succeeded(await world.usnea(['delete', id]))
})

testAs({}, 'of several mounts all are added or none, and a mistake is told with its place', (world) =>
  withBox(world, async ({ id, change, inside }) => {
    const source = makeVolume(world)
    const good: MountEntry = { destination: '/mnt', type: 'bind', source }
    const before = await inside('cat /proc/self/mounts')
    const cases: readonly (readonly [readonly Partial<MountEntry>[], RegExp])[] = [
      [
        [good, { destination: '/dev/null', type: 'bind', source }],
        /mounting at .*dev.null.*not a directory.*mounts\/1/s,
      ],
      [[good, { destination: '/tmp/x', type: 'bind', source: '/nowhere' }], /nothing is at \/nowhere/],
      [[good, { destination: '/tmp/x', type: 'ext4', source: '/dev/sda' }], /mounts\/1\/type: ext4: only binds/],
      [[good, { destination: '/tmp/x', type: 'tmpfs', options: ['bogus=1'] }], /cannot make .*tmpfs: bogus/],
      [[good, { destination: '/', type: 'tmpfs' }], /mounts\/1\/destination: the root itself/],
      [[{ type: 'tmpfs' }], /mounts\/0.*destination/],
    ]
    for (const [mounts, words] of cases) {
      refused(await change('add', mounts), words)
      assert.equal(await inside('cat /proc/self/mounts'), before, String(words))
    }
    refused(await change('remove', [{ destination: '/home' }]), /nothing is mounted there/)
    refused(await change('remove', [{ destination: '/' }]), /the root itself cannot be removed/)
    refused(await change('remove', [{ destination: '/gone' }]), /the container has no such path/)
    const add = (text: string) => world.usnea(['mounts', 'add', id, world.file(`${id}.json`, text)])
    refused(await add('{"destination": "/x"}'), /a list is expected, found an object/)
    refused(await add('[\n{"destination": }]'), /line 2, column 17/)
    refused(await world.usnea(['mounts', 'add', id, '/nowhere.json']), /nowhere.json cannot be read/)
  }),
)

testAs({}, 'attack: links of the container lead no mount out of its root, nor over its proc', (world) =>
  withBox(world, async ({ change, inside }) => {
    const source = makeVolume(world)
    const victim = makeVolume(world)
    await inside(
      `ln -s ${victim} /out; ln -s ../../../../../../..${victim} /up; ln -s /proc/1 /kernel; ln -s /proc/1/root /magic`,
    )
    for (const destination of ['/out/m', '/up/m', '/out', '/../../../..'.concat(victim)])
      succeeded(await change('add', [{ destination, type: 'bind', source }]))
    assert.deepEqual(readdirSync(victim), ['file'])
    assert.equal(await inside(`ls ${victim}`), 'file', 'the path exists inside by now, and there it is mounted')
    refused(await change('add', [{ destination: '/kernel/attr', type: 'tmpfs' }]), /symbolic link.*proc or sysfs/)
    refused(await change('add', [{ destination: '/magic/tmp', type: 'tmpfs' }]), /symbolic link/)
  }),
)

testAs({}, 'attack: a link does not turn a removal against what is masked', (world) =>
  withBox(
    world,
    async ({ change, inside }) => {
      assert.equal(await inside("grep -c ' /home ' /proc/mounts"), '1')
      await inside('ln -s /home /x; ln -s / /y')
      refused(await change('remove', [{ destination: '/x' }]), /symbolic link/)
      refused(await change('remove', [{ destination: '/y/home' }]), /symbolic link/)
      refused(await change('remove', [{ destination: '//./home' }]), /\/home is masked or read-only/)
      assert.equal(await inside("grep -c ' /home ' /proc/mounts"), '1')
    },
    (config) => {
      config.linux.maskedPaths = ['/home']
    },
  ),
)

testAs({ needs: ['python3'] }, 'attack: a destination that is swapped with a link stays in the container', (world) => {
  const shared = makeVolume(world)
  const victim = makeVolume(world)
  mkdirSync(join(shared, 'place'))
  mkdirSync(join(victim, 'm'))
  symlinkSync(victim, join(shared, 'link'))
  return withBox(
    world,
    async ({ change, inside }) => {
      const source = makeVolume(world)
      await using _ = await startSwapping(world, join(shared, 'place'), join(shared, 'link'))
      for (let round = 0; round < 3; round++) {
        // Either end of the swap may be met, and then the target is missing or made: what counts is where it is not.
        await change('add', [{ destination: '/shared/place/m/n', type: 'bind', source }])
        assert.deepEqual(readdirSync(join(victim, 'm')), [])
      }
      assert.equal(existsSync(join(victim, 'm', 'n')), false)
      assert.equal(await inside('cat /proc/1/comm'), 'sleep')
    },
    (config) => {
      config.mounts.push({ destination: '/shared', type: 'bind', source: shared, options: ['rbind', 'rw'] })
    },
  )
})

testAs({}, 'attack: a container with a /proc of its own making is not asked where something is', (world) =>
  withBox(
    world,
    async ({ change, inside }) => {
      await inside('mount -t tmpfs none /proc 2>/dev/null; true')
      succeeded(await change('add', [{ destination: '/mnt', type: 'tmpfs' }]))
      succeeded(await change('remove', [{ destination: '/mnt' }]))
    },
    (config) => {
      config.process.noNewPrivileges = false
      const all = ['CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER']
      config.process.capabilities = { bounding: all, effective: all, permitted: all, inheritable: [], ambient: [] }
      config.linux.maskedPaths = []
      config.linux.readonlyPaths = []
    },
  ),
)
