// Needs a static busybox: a root file system that changes under the hands of usnea does not lead it out.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from '../fixtures/as.ts'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { rounds } from '../fixtures/rounds.ts'
import { startSwapping } from '../fixtures/swapper.ts'
import { until } from '../fixtures/until.ts'
import { placeVictim } from '../fixtures/victim.ts'
import { succeeded, type World } from '../fixtures/world.ts'

interface Swap {
  /** The name below the bundle that is swapped with a link to the victim. */
  readonly name: string
  readonly patch?: (config: Config) => void
}

async function createWhileSwapping(world: World, { name, patch }: Swap): Promise<void> {
  const victim = placeVictim(world)
  const bundle = await world.bundle((config) => {
    config.process.args = ['/bin/sh', '-c', 'cat /secret /mnt/secret /etc/hosts /mnt/*/secret 2>/dev/null; true']
    patch?.(config)
  })
  makeDirectory(join(bundle.rootfs, 'mnt/target'), 0o755, world.identity.user)
  // What is not swapped runs, so a refusal is about the swap.
  succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()]))
  const link = join(bundle.path, 'link')
  await world.run(['ln', '-s', victim.path, link])
  {
    await using _ = await startSwapping(world, join(bundle.path, name), link)
    for (let round = 0; round < rounds(4); round++) {
      const { status, stdout, stderr } = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
      assert.ok(status === 0 || status === 1, `ended with ${status}\n${stderr}`)
      assert.doesNotMatch(stdout, /secret of the host/)
      victim.assertUntouched()
    }
  }
  await world.nothingLeft()
}

const skip = { needs: ['python3'] as const }

testAs(skip, 'a root file system that is swapped with a link to elsewhere', (world) =>
  createWhileSwapping(world, { name: 'rootfs' }),
)

testAs(skip, 'a mount target that is swapped with a link to elsewhere', (world) =>
  createWhileSwapping(world, {
    name: 'rootfs/mnt/target',
    patch: (config) => void config.mounts.push({ destination: '/mnt/target', type: 'tmpfs', source: 'tmpfs' }),
  }),
)

testAs(skip, 'a parent of a mount target that is swapped with a link to elsewhere', (world) =>
  createWhileSwapping(world, {
    name: 'rootfs/mnt',
    patch: (config) => void config.mounts.push({ destination: '/mnt/new/deeper', type: 'tmpfs', source: 'tmpfs' }),
  }),
)

testAs(skip, 'a masked and read-only path that is swapped with a link to elsewhere', (world) =>
  createWhileSwapping(world, {
    name: 'rootfs/mnt/target',
    patch: (config) => {
      config.linux.maskedPaths.push('/mnt/target')
      config.linux.readonlyPaths.push('/mnt/target')
    },
  }),
)

testAs(skip, 'a working directory that is swapped with a link to elsewhere', (world) =>
  createWhileSwapping(world, {
    name: 'rootfs/mnt/target',
    patch: (config) => {
      config.process.cwd = '/mnt/target/made'
    },
  }),
)

testAs(skip, 'the place of the terminal that is swapped with a link to elsewhere', (world) =>
  createWhileSwapping(world, {
    name: 'rootfs/dev/console',
    patch: (config) => {
      config.process.terminal = true
      config.mounts = config.mounts.filter(({ destination }) => !/^\/dev(?!\/pts)/.test(destination))
    },
  }),
)

testAs({}, 'a root file system that is replaced between create and start is still the first one', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'touch /tmp/mark']
  })
  const id = world.newId()
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  renameSync(bundle.rootfs, join(bundle.path, 'moved'))
  mkdirSync(bundle.rootfs)
  succeeded(await world.usnea(['start', id]))
  await until('the mark was made', () => existsSync(join(bundle.path, 'moved/tmp/mark')))
  succeeded(await world.usnea(['delete', '--force', id]))
  assert.deepEqual(readdirSync(bundle.rootfs), [])
  rmSync(bundle.rootfs, { recursive: true })
})

testAs(
  skip,
  'what is said of a new mount holds for it, also when its place is swapped with that of another',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.args = ['sh', '-c', 'grep " /mnt/.* - mqueue " /proc/self/mountinfo']
      config.mounts.push(
        { destination: '/mnt/other', type: 'tmpfs', source: 'tmpfs' },
        { destination: '/mnt/target', type: 'mqueue', source: 'mqueue', options: ['rro', 'rnoexec'] },
      )
    })
    for (const name of ['target', 'other']) makeDirectory(join(bundle.rootfs, 'mnt', name), 0o755, world.identity.user)
    const place = join(bundle.rootfs, 'mnt')
    await using _ = await startSwapping(world, join(place, 'target'), join(place, 'other'))
    for (let round = 0; round < rounds(4); round++) {
      const { status, stdout, stderr } = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
      assert.equal(status, 0, stderr)
      for (const line of stdout.trim().split('\n')) assert.match(line, / ro,noexec/)
    }
  },
)
