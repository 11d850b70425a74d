// Needs root and unshare: what a container mounts on a volume does not show on the host, unless it is asked for.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { makeDirectory } from '../fixtures/as.ts'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { succeeded, type World } from '../fixtures/world.ts'

interface Wish {
  readonly options: readonly string[]
  readonly rootfsPropagation?: string
  readonly userNamespace?: boolean
}

/** Most hosts have all mounts shared: here one is, in a mount namespace of the test's own. */
const sharedVolume = 'mount -t tmpfs shared "$0" && mount --make-shared "$0" && mkdir -m 777 "$0/place" && "$@"'

/** Mounts something on a volume inside, and tells what the host sees of it. */
async function shows(world: World, { options, rootfsPropagation, userNamespace }: Wish): Promise<string> {
  const volume = join(world.identity.home, 'volume')
  makeDirectory(volume, 0o755, world.identity.user)
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'mount -t tmpfs evil /mnt/place && touch /mnt/place/seen && echo mounted']
    allowMounts(config)
    config.mounts.push({ destination: '/mnt', type: 'bind', source: volume, options: ['rbind', ...options] })
    if (rootfsPropagation !== undefined) config.linux.rootfsPropagation = rootfsPropagation
    if (userNamespace === true) mapIds(config)
  })
  const script = `${sharedVolume}; echo "host: $(ls "$0/place")"`
  const through = ['unshare', '--mount', 'sh', '-c', script, volume]
  const outcome = await world.usnea(['run', '--bundle', bundle.path, world.newId()], { through })
  const output = succeeded(outcome)
  assert.match(output, /^mounted\n/, outcome.stderr)
  return output.replace('mounted\n', '')
}

function allowMounts({ process }: Config): void {
  for (const set of ['bounding', 'effective', 'permitted'] as const) process.capabilities?.[set].push('CAP_SYS_ADMIN')
}

function mapIds({ linux }: Config): void {
  linux.namespaces.push({ type: 'user' })
  linux.uidMappings = [{ containerID: 0, hostID: 1_800_000_000, size: 1000 }]
  linux.gidMappings = [{ containerID: 0, hostID: 1_800_000_000, size: 1000 }]
}

const asRoot = { as: ['root'], needs: ['unshare'] } as const

testAs(
  asRoot,
  'mounts on a volume stay inside of a user namespace, though its source was opened before',
  async (world) => {
    for (const options of [[], ['rslave'], ['rshared']])
      assert.equal(await shows(world, { options, userNamespace: true }), 'host: \n', options.join())
    assert.equal(
      await shows(world, { options: ['rshared'], rootfsPropagation: 'rshared', userNamespace: true }),
      'host: \n',
    )
  },
)

testAs(asRoot, 'mounts on a volume show on the host only where it and the root are shared', async (world) => {
  assert.equal(await shows(world, { options: [], rootfsPropagation: 'rshared' }), 'host: \n')
  assert.equal(await shows(world, { options: ['rshared'] }), 'host: \n')
  assert.equal(await shows(world, { options: ['rshared'], rootfsPropagation: 'shared' }), 'host: seen\n')
})
