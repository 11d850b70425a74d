// Needs a static busybox: the configuration to start from, which must run as it is.
import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { refused, succeeded } from '../fixtures/world.ts'

const flags = { root: [], ranges: ['--rootless'], plain: ['--rootless'], nested: [], contained: ['--rootless'] }

testAs(
  { as: ['root', 'ranges', 'plain'] },
  'spec writes a configuration that runs, and refuses to overwrite one',
  async (world) => {
    const bundle = await world.bundle()
    const file = join(bundle.path, 'config.json')
    rmSync(file)
    const call = ['spec', ...flags[world.identity.name], '--bundle', bundle.path]
    assert.equal(succeeded(await world.usnea(call)), '')
    const text = readFileSync(file, 'utf8')
    const config = JSON.parse(text) as Config
    assert.match(text, /^\{\n\t"/)
    assert.equal(config.process.terminal, true)
    refused(await world.usnea(call), /File config\.json exists\. Remove it first/)
    assert.equal(readFileSync(file, 'utf8'), text)
    world.file(
      `${bundle.path.slice(world.identity.home.length)}/config.json`,
      JSON.stringify({ ...config, process: { ...config.process, terminal: false, args: ['id', '-u'] } }),
    )
    assert.equal(succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()])), '0\n')
  },
)

testAs({ as: ['ranges'] }, 'spec --rootless has a user namespace with maps and no network namespace', async (world) => {
  const bundle = await world.bundle(undefined, 'none')
  rmSync(join(bundle.path, 'config.json'))
  succeeded(await world.usnea(['spec', '--rootless'], { cwd: bundle.path }))
  const { linux } = JSON.parse(readFileSync(join(bundle.path, 'config.json'), 'utf8')) as Config
  const types = linux.namespaces.map(({ type }) => type)
  assert.ok(types.includes('user') && !types.includes('network'), types.join(' '))
  assert.equal(linux.uidMappings?.[0]?.hostID, world.identity.user.uid)
})

testAs({ as: ['ranges'] }, 'spec in a directory that cannot be written is an error', async (world) => {
  refused(await world.usnea(['spec', '--bundle', join(world.identity.home, 'nowhere')]), /nowhere/)
})
