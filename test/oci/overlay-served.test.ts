// Needs a static busybox, fuse-overlayfs and /dev/fuse: overlays that the kernel refuses in a user namespace.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { makeDirectory } from '../fixtures/as.ts'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { openFuse } from '../fixtures/own-fuse.ts'
import { allProcesses } from '../fixtures/processes.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

openFuse()
let overlays = 0

/** The kernel takes no two of these options together in a user namespace, whatever the layers lie on. */
const REFUSED = ['userxattr', 'redirect_dir=on']

function makeLayers(world: World) {
  const number = ++overlays
  const part = (name: string) => {
    const path = join(world.identity.home, `served-${number}-${name}`)
    makeDirectory(path, 0o755, world.identity.user)
    return path
  }
  const [lower, upper, work] = [part('lower'), part('upper'), part('work')]
  for (const name of ['kept', 'removed', 'changed']) world.file(`${basename(lower)}/${name}`, `lower ${name}\n`)
  const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`, ...REFUSED]
  return { lower, upper, mount: { destination: '/mnt', type: 'overlay', source: 'overlay', options } }
}

const servers = (lower: string) =>
  allProcesses().filter(({ pid, state }) => {
    if (state === 'Z') return false
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`lowerdir=${lower}`)
    } catch {
      return false
    }
  })

testAs(
  { as: ['ranges', 'nested'], needs: ['fuse-overlayfs'] },
  'an overlay that the kernel refuses is served, which is recorded and told, and the server ends with the container',
  async (world) => {
    const { lower, upper, mount } = makeLayers(world)
    const id = world.newId()
    const bundle = await world.bundle((config) => {
      config.process.args = ['sleep', '1000']
      config.mounts.push(mount)
    })
    const { status, stderr } = await world.usnea(['run', '--detach', '--bundle', bundle.path, id])
    assert.equal(status, 0, stderr)
    assert.match(stderr, /overlay at \/mnt is served by fuse-overlayfs, without userxattr, redirect_dir=on: .*EINVAL/)
    const record = JSON.parse(readFileSync(join(world.state, id, 'state.json'), 'utf8'))
    assert.match(JSON.stringify(record.degradations), /served by fuse-overlayfs/)
    const script =
      'cd /mnt && rm removed && echo new > changed && mkdir folder && ls && cat kept && stat -c %u kept folder'
    assert.equal(
      succeeded(await world.usnea(['exec', id, 'sh', '-c', script])),
      'changed\nfolder\nkept\nlower kept\n0\n0\n',
    )
    assert.equal(readFileSync(join(upper, 'changed'), 'utf8'), 'new\n')
    assert.equal(readFileSync(join(lower, 'changed'), 'utf8'), 'lower changed\n')
    assert.equal(servers(lower).length, 1)
    const seen = succeeded(await world.usnea(['exec', id, 'sh', '-c', 'ps; ls /proc']))
    assert.doesNotMatch(seen, /fuse-overlayfs/)
    succeeded(await world.usnea(['delete', '--force', id]))
    await world.nothingLeft()
    assert.deepEqual(servers(lower), [])
  },
)

testAs({ needs: ['fuse-overlayfs'] }, 'nothing is served where the container could see the server', async (world) => {
  const { mount } = makeLayers(world)
  const bundle = await world.bundle((config: Config) => {
    config.process.args = ['true']
    config.mounts.push(mount)
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
    config.mounts = config.mounts.filter(({ type }) => type !== 'proc')
  })
  refused(
    await world.usnea(['run', '--bundle', bundle.path, world.newId()]),
    /error mounting .*overlay.*invalid argument/,
  )
})

testAs(
  { as: ['plain'] },
  'without fuse-overlayfs the refusal is the error, and says what would help',
  async (world) => {
    const { mount } = makeLayers(world)
    const bundle = await world.bundle((config) => {
      config.mounts.push(mount)
    })
    const env = { PATH: '/nowhere' }
    const outcome = await world.usnea(['create', '--bundle', bundle.path, world.newId()], { env })
    refused(outcome, /error mounting .*overlay.*invalid argument.*install fuse-overlayfs/s)
  },
)

testAs({ as: ['ranges'], needs: ['fuse-overlayfs'] }, 'a server that ends at once is an error', async (world) => {
  const { lower, mount } = makeLayers(world)
  const bundle = await world.bundle((config) => {
    config.mounts.push(mount)
  })
  const broken = join(world.identity.home, 'broken')
  makeDirectory(broken, 0o755, world.identity.user)
  world.file('broken/fuse-overlayfs', '#!/bin/sh\nexit 1\n', 0o755)
  const env = { PATH: `${broken}:${world.identity.env.PATH}` }
  const outcome = await world.usnea(['create', '--bundle', bundle.path, world.newId()], { env })
  refused(outcome, /error mounting .*fuse-overlayfs did not serve it/s)
  assert.deepEqual(servers(lower), [])
})
