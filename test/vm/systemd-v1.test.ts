// Needs root, systemd as the first process, and controllers of cgroup v1, with or without a tree of v2 beside them:
// `npm run test:vm -- v1`, `npm run test:vm -- hybrid`.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { cgroupOfProcess, ownCgroups } from '../fixtures/cgroups.ts'
import { needs } from '../fixtures/needs.ts'
import { readRow, resourcesOf, rowsFor } from '../fixtures/resource-rows.ts'
import { until } from '../fixtures/until.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'
import { call, limits, noSystemd, run, show, systemctl } from './scopes.ts'

const controllers = ownCgroups().flatMap((tree) => (tree.version === 1 ? tree.controllers : []))
const skip =
  needs('root') ??
  noSystemd ??
  (controllers.includes('memory') ? undefined : 'needs controllers of cgroup v1 (npm run test:vm -- v1)')
const root = { as: ['root'], skip } as const
const rows = rowsFor((name) => controllers.includes(name))

const pidOf = async (world: World, id: string): Promise<number> =>
  JSON.parse(succeeded(await call(world, ['state', id]))).pid

testAs(root, 'the scope has its limits in every tree, after a reload too, from run to delete', async (world) => {
  const id = world.newId()
  assert.ok(rows.length >= 7, `the controllers are ${controllers}`)
  succeeded(await run(world, id, limits(resourcesOf(rows, 0))))
  const pid = await pidOf(world, id)
  const place = (name: string) => cgroupOfProcess(pid, name) ?? ''
  const places = rows.map((row) => place(row.controllers.find((name) => controllers.includes(name)) ?? ''))
  const hold = (index: 0 | 1) => {
    for (const [i, row] of rows.entries()) assert.match(readRow(places[i] ?? '', row), row.holds[index], row.files[0])
  }
  hold(0)
  for (const name of ['devices', 'freezer', 'name=systemd']) assert.match(place(name), new RegExp(`box-${id}\\.scope$`))
  const { MemoryLimit, TasksMax } = await show(world, `box-${id}.scope`, 'MemoryLimit', 'TasksMax')
  assert.deepEqual([MemoryLimit, TasksMax], ['67108864', '30'])
  // Joins of a member added later are in every tree as well.
  const seen = succeeded(await call(world, ['exec', id, 'cat', '/proc/self/cgroup']))
  for (const line of seen.trim().split('\n')) if (/memory|pids|freezer/.test(line)) assert.match(line, /scope$/)

  succeeded(await call(world, ['update', '--resources', '-', id], { input: JSON.stringify(resourcesOf(rows, 1)) }))
  hold(1)
  await systemctl(world, 'daemon-reload')
  hold(1)
  // The devices of a container stay closed and open as they were.
  succeeded(await call(world, ['exec', id, 'sh', '-c', ': </dev/null; : </dev/zero']))
  succeeded(await call(world, ['delete', '--force', id]))
  for (const path of places) assert.equal(existsSync(path), false, path)
  assert.deepEqual(await show(world, `box-${id}.scope`, 'LoadState'), { LoadState: 'not-found' })
})

testAs(
  root,
  'a memory limit kills and is told, pids are refused, and the verbs go by the trees of v1',
  async (world) => {
    const id = world.newId()
    const resources = { memory: { limit: 33_554_432 }, pids: { limit: 6 } }
    // A shell that is refused a process ends, hence the second one, and the place that is kept for tail.
    const program = `sleep 1000 & kept=$!
      (i=0; while [ $i -lt 20 ]; do sleep 1000 & i=$((i+1)); done) 2>/dev/null
      sleep 1000 & while [ ! -e /tmp/go ]; do :; done; kill $kept; wait $kept; tail /dev/zero; sleep 1000`
    succeeded(
      await run(world, id, (config) => {
        limits(resources)(config)
        config.process.args = ['sh', '-c', program]
      }),
    )
    const watching = world.call(['events', '--interval', '1s', id])
    await until('processes are refused', async () => {
      const { data } = JSON.parse(succeeded(await call(world, ['events', '--stats', id])))
      return data.pids.current === 6 && data.pids.limit === 6
    })
    succeeded(await call(world, ['pause', id]))
    refused(await call(world, ['exec', id, 'true']), /cannot exec in a paused container/, 255)
    succeeded(await call(world, ['resume', id]))
    await until('statistics are told', async () => watching.output().stdout.includes('"stats"'))
    // There is no place for one more process: the file is made through the container's root.
    succeeded(await world.run(['touch', join('/proc', String(await pidOf(world, id)), 'root/tmp/go')]))
    await until('the lack of memory is told', async () => watching.output().stdout.includes('"oom"'))
    succeeded(await call(world, ['kill', '--all', id, 'KILL']))
    succeeded(await call(world, ['delete', '--force', id]))
    succeeded(await watching.ended)
  },
)
