// Needs a static busybox and root: what stands in the way of a checkpoint or a restore is told, and nothing is left.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

const root = { as: ['root'] } as const

/** A PATH on which criu is this script. */
function withProgram(world: World, script: string): { env: { PATH: string } } {
  const folder = `fake-${++fakes}`
  world.file(join(folder, 'criu'), script, 0o755)
  return { env: { PATH: `${join(world.identity.home, folder)}:${world.identity.env.PATH}` } }
}
let fakes = 0

async function running(world: World): Promise<{ id: string; bundle: string }> {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  return { id, bundle: bundle.path }
}

testAs({ as: ['ranges', 'nested'] }, 'without real root it is said what is needed', async (world) => {
  const { id } = await running(world)
  const image = join(world.identity.home, 'image')
  const words = /checkpoint and restore need real root; cause: .*CAP_CHECKPOINT_RESTORE alone.*; fix: /
  refused(await world.usnea(['checkpoint', '--image-path', image, id]), words)
  assert.equal(existsSync(image), false)
  world.file('made/inventory.img', '')
  const args = ['restore', '--image-path', join(world.identity.home, 'made'), '--bundle', '.', 'another']
  refused(await world.usnea(args), words)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(root, 'a container that does not run cannot be checkpointed', async (world) => {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['true']
  })
  refused(await world.usnea(['checkpoint', id]), /^.*container does not exist/)
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  refused(await world.usnea(['checkpoint', id]), /container not running: it cannot be checkpointed in created state/)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(root, 'a criu that ends, is old or cannot do what is wanted is told from one that fails', async (world) => {
  const { id } = await running(world)
  const image = join(world.identity.home, 'image')
  const call = ['checkpoint', '--image-path', image, id]
  refused(
    await world.usnea(call, withProgram(world, '#!/bin/sh\nexit 0\n')),
    /criu does not answer: criu ended without/,
  )
  refused(await world.usnea(call, withProgram(world, 'no program')), /criu.*cannot be executed|exec format error/)
  // A packet of CRIU_REQ_TYPE__VERSION (10) that says success and 3.11.0.
  const answer = `#!${process.execPath}
    const { writeSync } = require('node:fs')
    writeSync(3, Buffer.from([8, 10, 16, 1, 82, 4, 8, 3, 16, 11]))
  `
  refused(await world.usnea(call, withProgram(world, answer)), /criu 3.11 is too old: 3.15 or newer is needed/)
  assert.equal(existsSync(image), false)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(root, 'a directory that cannot be an image is named', async (world) => {
  const { id, bundle } = await running(world)
  const { home } = world.identity
  const fake = withProgram(world, '#!/bin/sh\nexit 0\n')
  const file = world.file('file', '')
  refused(
    await world.usnea(['checkpoint', '--image-path', file, id], fake),
    /cannot write into .*\/file: not a directory/,
  )
  refused(
    await world.usnea(['checkpoint', '--image-path', '/proc/image', id], fake),
    /cannot write into \/proc\/image: no such file or directory/,
  )
  const parents = [
    [home, 'nowhere', /invalid --parent-path: .*\/nowhere: no such file or directory/],
    [home, 'file', /invalid --parent-path: .*\/file: not a directory/],
  ] as const
  for (const [image, parent, words] of parents)
    refused(await world.usnea(['checkpoint', '--image-path', image, '--parent-path', parent, id], fake), words)
  const empty = join(home, 'empty')
  mkdirSync(empty)
  const restore = (image: string) => world.usnea(['restore', '--image-path', image, '--bundle', bundle, 'other'], fake)
  refused(await restore(join(home, 'gone')), /cannot open the image .*\/gone: no such file or directory/)
  refused(await restore(empty), /no checkpoint is in .*\/empty; cause: it has no inventory.img/)
  world.file('empty/inventory.img', '')
  refused(await restore(empty), /cannot read .*\/descriptors.json: no such file or directory/)
  world.file('empty/descriptors.json', '{"0": "pipe:[1]"}')
  refused(await restore(empty), /descriptors.json is no list of three descriptors/)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(root, '--status-fd must be a descriptor that the caller passed on', async (world) => {
  const { id } = await running(world)
  const fake = withProgram(world, '#!/bin/sh\nexit 0\n')
  const call = ['checkpoint', '--lazy-pages', '--status-fd', '9', id]
  refused(await world.usnea(call, fake), /invalid --status-fd argument 9: it is not open/)
  succeeded(await world.usnea(['delete', '--force', id]))
})
