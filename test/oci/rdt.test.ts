// Needs a static busybox; Intel RDT is refused in words where it is not, and used where the kernel has it mounted (root).
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseMountinfo } from '../../src/host/mountinfo.ts'
import { findResctrl } from '../../src/host/resctrl.ts'
import { testAs } from '../fixtures/cases.ts'
import { refused } from '../fixtures/world.ts'

const resctrl = findResctrl(parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8')))
const without = resctrl ? 'needs a machine without resctrl' : undefined
const withIt = resctrl ? undefined : 'needs a mounted resctrl: a processor with Intel RDT'

testAs({ skip: without }, 'what asks for Intel RDT is refused, and says what is missing', async (world) => {
  const asked = { closID: 'group', l3CacheSchema: 'L3:0=f' }
  const bundle = await world.bundle((config) => Object.assign(config.linux, { intelRdt: asked }))
  refused(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), /\/linux\/intelRdt: Intel RDT/)
})

testAs({ as: ['root'], skip: without }, 'update says that it is not enabled', async (world) => {
  const bundle = await world.bundle(() => {})
  const id = world.newId()
  await world.usnea(['create', '--bundle', bundle.path, id])
  refused(
    await world.usnea(['update', '--l3-cache-schema', 'L3:0=f', id]),
    /Intel RDT\/CAT: l3 cache schema is not enabled/,
  )
  refused(
    await world.usnea(['update', '--mem-bw-schema', 'MB:0=20', id]),
    /Intel RDT\/MBA: memory bandwidth schema is not enabled/,
  )
  await world.usnea(['delete', '--force', id])
})

testAs({ as: ['root'], skip: withIt }, 'a container has a class of its own from create to delete', async (world) => {
  const root = resctrl?.root ?? ''
  const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8').trim()
  const resource = resctrl?.allocates.find((name) => /^L3|^MB/.test(name)) ?? 'L3'
  const line =
    read('schemata')
      .split(/\s*\n\s*/)
      .find((text) => text.startsWith(`${resource}:`)) ?? ''
  const asked = { schemata: [line], enableMonitoring: (resctrl?.monitors ?? []).length > 0 }
  const bundle = await world.bundle((config) => {
    config.process.args = ['/bin/sleep', '600']
    Object.assign(config.linux, { intelRdt: asked })
  })
  const id = world.newId()
  assert.equal((await world.usnea(['create', '--bundle', bundle.path, id])).stderr, '')
  const pid = JSON.parse((await world.usnea(['state', id])).stdout).pid
  assert.deepEqual(read(id, 'tasks').split('\n'), [String(pid)])
  assert.ok(read(id, 'schemata').includes(line))
  await world.usnea(['start', id])
  assert.equal((await world.usnea(['exec', '--detach', id, '/bin/sleep', '600'])).status, 0)
  assert.equal(read(id, 'tasks').split('\n').length, 2, 'what is executed is in it, too')
  const flag = resource === 'MB' ? '--mem-bw-schema' : '--l3-cache-schema'
  assert.equal((await world.usnea(['update', flag, line, id])).status, 0)
  const stats = JSON.parse((await world.usnea(['events', '--stats', id])).stdout)
  assert.ok(stats.data.intel_rdt.schemata.includes(line))
  assert.equal((await world.usnea(['delete', '--force', id])).status, 0)
  assert.equal(existsSync(join(root, id)), false)
})
