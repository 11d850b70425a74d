// Needs a static busybox, root, and Linux 6.3 with a tmpfs on /dev/shm: binds whose ids are mapped.
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import type { Config, MountEntry } from '../fixtures/config.ts'
import { inside } from '../fixtures/inside.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

const [major = 0, minor = 0] = release().split('.').map(Number)
const hasShm = /^\S+ \/dev\/shm tmpfs /m.test(readFileSync('/proc/self/mounts', 'utf8'))
const skip =
  hasShm && (major > 6 || (major === 6 && minor >= 3)) ? undefined : 'needs Linux 6.3 and a tmpfs on /dev/shm'

async function withSource(body: (path: string) => Promise<void>): Promise<void> {
  const path = mkdtempSync('/dev/shm/usnea-test-')
  try {
    writeFileSync(join(path, 'file'), 'text\n')
    chownSync(join(path, 'file'), 3, 4)
    chownSync(path, 3, 4) // nothing can be made in a directory of an unmapped owner
    chmodSync(path, 0o777)
    await body(path)
  } finally {
    rmSync(path, { recursive: true })
  }
}

const map = (containerID: number, hostID: number, size = 1000) => [{ containerID, hostID, size }]
const base = 1_000_000

const mapped = (source: string, more: Partial<MountEntry> = {}): MountEntry => ({
  destination: '/mnt',
  type: 'bind',
  source,
  options: ['bind'],
  uidMappings: map(0, base),
  gidMappings: map(0, base + 5000),
  ...more,
})

const inUserNamespace = (config: Config) => {
  config.linux.namespaces.unshift({ type: 'user' })
  config.linux.uidMappings = map(0, base, 65_536)
  config.linux.gidMappings = map(0, base, 65_536)
}

/** With a user namespace the root file system must belong to somebody who is mapped. */
async function insideUserNamespace(world: World, script: string, patch: (config: Config) => void): Promise<string> {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', script]
    inUserNamespace(config)
    patch(config)
  })
  chownSync(bundle.rootfs, base, base)
  return succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()])).trimEnd()
}

testAs(
  { as: ['root'], skip },
  'files of a mapped mount belong to the mapped ids, and new ones are mapped back',
  (world) =>
    withSource(async (source) => {
      const output = await inside(world, 'stat -c %u:%g /mnt/file', (config) => {
        config.mounts.push(mapped(source))
      })
      assert.equal(output, `${base + 3}:${base + 5004}`)
      const own = await inside(world, 'stat -c %u:%g /mnt/file; touch /mnt/new', (config) => {
        config.mounts.push(mapped(source, { uidMappings: map(3, 0), gidMappings: map(4, 0) }))
      })
      assert.equal(own, '0:0')
      const { uid, gid } = statSync(join(source, 'new'))
      assert.deepEqual([uid, gid], [3, 4])
    }),
)

testAs({ as: ['root'], skip }, 'in a user namespace the container sees the ids of both maps', (world) =>
  withSource(async (source) => {
    const output = await insideUserNamespace(world, 'stat -c %u:%g /mnt/file /implied/file', (config) => {
      config.mounts.push(mapped(source), {
        destination: '/implied',
        type: 'bind',
        source,
        options: ['rbind', 'idmap', 'ro'],
      })
    })
    assert.equal(output, '3:5004\n3:4')
  }),
)

testAs(
  { as: ['root'], skip },
  "crun's form of the option maps to ids of the host, or with @ of the container",
  (world) =>
    withSource(async (source) => {
      const script = 'stat -c %u:%g /host/file /inside/file'
      const output = await insideUserNamespace(world, script, (config) => {
        const options = [
          `idmap=uids=0-${base + 10}-3#3-${base + 20}-1;gids=0-${base}-1000`,
          'ridmap=gids=@4-7-1;uids=@3-30-1#9-31-1',
        ]
        config.mounts.push(
          { destination: '/host', type: 'bind', source, options: ['bind', options[0] ?? ''] },
          { destination: '/inside', source, options: ['rbind', options[1] ?? ''] },
        )
      })
      assert.equal(output, '20:4\n30:7')
    }),
)

testAs({ as: ['root'], skip }, 'the attributes of a mapped mount are those of the configuration', (world) =>
  withSource(async (source) => {
    const output = await inside(world, 'grep " /mnt " /proc/self/mounts; touch /mnt/a 2>&1; true', (config) => {
      config.mounts.push(mapped(source, { options: ['rbind', 'ridmap', 'ro', 'nosuid', 'noexec'] }))
    })
    assert.match(output, / ro,nosuid,(nodev,)?noexec,/)
    assert.match(output, /Read-only file system/)
  }),
)

testAs(
  { as: ['root'], skip },
  'a mount of the container itself can be mapped, with a user namespace as that is, and never through a link',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.args = ['sh', '-c', 'stat -c %u /twice/file; touch /twice/new && stat -c %u /twice/new']
    })
    mkdirSync(join(bundle.rootfs, 'once'))
    await withSource(async (source) => {
      bundle.config.mounts.push(
        { destination: '/once', type: 'bind', source, options: ['bind'] },
        mapped(join(bundle.rootfs, 'once'), { destination: '/twice' }),
      )
      writeFileSync(join(bundle.path, 'config.json'), JSON.stringify(bundle.config))
      const call = async (args: readonly string[], options: string[], maps: Partial<MountEntry>) => {
        bundle.config.mounts.pop()
        bundle.config.mounts.push({
          destination: '/twice',
          type: 'bind',
          source: join(bundle.rootfs, 'once'),
          options,
          ...maps,
        })
        writeFileSync(join(bundle.path, 'config.json'), JSON.stringify(bundle.config))
        return await world.usnea([...args, '--bundle', bundle.path, world.newId()])
      }
      const own = { uidMappings: map(0, base), gidMappings: map(0, base) }
      assert.match((await call(['run'], ['bind'], own)).stdout, new RegExp(`^${base + 3}\n`))

      inUserNamespace(bundle.config)
      chownSync(bundle.rootfs, base, base)
      refused(await call(['create'], ['bind'], own), /mapped only as the container is/)
      assert.equal(succeeded(await call(['run'], ['bind', 'idmap'], {})), '3\n0\n')
      assert.equal(statSync(join(source, 'new')).uid, 0)
      const same = { uidMappings: map(0, base, 65_536), gidMappings: map(0, base, 65_536) }
      assert.equal(succeeded(await call(['run'], ['rbind'], same)), '3\n0\n')

      // An image must not get hold of a directory of the host by a link, with the ids of its owner.
      bundle.config.mounts = bundle.config.mounts.map((mount) =>
        mount.destination === '/once' ? { ...mount, destination: '/once/inner' } : mount,
      )
      rmdirSync(join(bundle.rootfs, 'once'))
      symlinkSync(source, join(bundle.rootfs, 'once'))
      refused(await call(['create'], ['bind', 'idmap'], {}), /cannot map its ids.*symbolic link/)
      assert.equal(statSync(join(source, 'file')).uid, 3)
    })
  },
)

testAs({ as: ['root'], skip }, 'a file system that cannot map ids is named', async (world) => {
  const bundle = await world.bundle((config) => {
    config.mounts.push(mapped('/proc'))
  })
  refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /\/proc.*cannot map its ids/)
})

testAs({}, 'half a map, a map without a bind, and no map at all are refused', async (world) => {
  const cases: [MountEntry, RegExp][] = [
    [
      { destination: '/mnt', type: 'bind', source: '/', options: ['rbind'], uidMappings: map(0, 0) },
      /both uidMappings/,
    ],
    [mapped('tmpfs', { type: 'tmpfs', options: [] }), /only a bind mount/],
  ]
  for (const [mount, words] of cases) {
    const bundle = await world.bundle((config) => void config.mounts.push(mount))
    refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), words)
  }
})

testAs({ as: ['ranges', 'plain'] }, 'without root a mapped mount is refused before anything is made', async (world) => {
  const bundle = await world.bundle((config) => void config.mounts.push(mapped('/')))
  refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /an id-mapped mount needs root/)
})
