// Needs root, writable cgroups and a static busybox: every controller of this machine is set, read back, changed, removed.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { cgroupOf, ownCgroups, whyNoCgroup } from '../fixtures/cgroups.ts'
import { type Row, readRow, resourcesOf, rowsFor } from '../fixtures/resource-rows.ts'
import { succeeded, type World } from '../fixtures/world.ts'

const present = (names: readonly string[]) => names.find((name) => cgroupOf('x', name) !== undefined)
const here = rowsFor((name) => present([name]) !== undefined)

async function started(world: World, resources: object): Promise<string> {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    Object.assign(config.linux, { resources })
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  return id
}

const read = (id: string, row: Row): string => readRow(cgroupOf(id, present(row.controllers) ?? '') ?? '', row)

testAs(
  { as: ['root'], skip: whyNoCgroup() },
  'every controller that is here is set, read back, changed and removed',
  async (world) => {
    assert.ok(here.length > 0)
    const id = await started(world, resourcesOf(here, 0))
    for (const row of here) assert.match(read(id, row), row.holds[0], row.files[0])
    const limits = JSON.parse(succeeded(await world.usnea(['limits', '--format', 'json', id])))
    for (const { limit, enforcedBy } of limits)
      if (limit.startsWith('/linux/resources')) assert.equal(enforcedBy, 'cgroup', limit)
    succeeded(await world.usnea(['update', '--resources', '-', id], { input: JSON.stringify(resourcesOf(here, 1)) }))
    for (const row of here) assert.match(read(id, row), row.holds[1], row.files[0])
    succeeded(await world.usnea(['delete', '--force', id]))
    for (const { base } of ownCgroups()) assert.ok(!existsSync(join(base, id)), base)
  },
)
