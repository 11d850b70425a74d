// Needs root and cgroup v2 alone: `npm run test:vm`. What our shim tells containerd of a container's cgroup.
import assert from 'node:assert/strict'
import { CGROUP2_METRICS, cgroup2Metrics } from '../../src/tasks/protobuf/metrics-v2.ts'
import { testAs } from '../fixtures/cases.ts'
import { listen, openShim } from '../fixtures/shim.ts'
import { until } from '../fixtures/until.ts'
import { limits, skip } from './scopes.ts'

testAs(
  { as: ['root'], skip },
  'the shim tells what a container uses, its limits, and its lack of memory',
  async (world) => {
    await using events = await listen(world)
    const patch = limits({ memory: { limit: 32 << 20, swap: 32 << 20 }, pids: { limit: 9 } })
    await using shim = await openShim(world, { args: ['sh', '-c', 'sleep 1000; tail /dev/zero'], patch })
    await shim.create()
    await shim.call('Start')
    await until('both are counted', async () => (await statsOf(shim)).pids?.current === 2)
    const { pids, memory, cpu } = await statsOf(shim)
    assert.deepEqual([pids?.limit, memory?.usageLimit, memory?.swapLimit], [9, 32 << 20, 0])
    assert.ok((memory?.usage ?? 0) > 0 && (cpu?.usageUsec ?? 0) > 0)
    await shim.call('Exec', { execId: 'end', spec: processOf('killall', 'sleep') })
    await shim.call('Start', { execId: 'end' })
    assert.equal((await shim.call('Wait')).exitStatus, 137)
    await shim.call('Delete', { execId: 'end' })
    await shim.call('Delete')
    await until('all is told', () => events.topics().includes('/tasks/delete'))
    assert.ok(events.topics().indexOf('/tasks/oom') > 0, String(events.topics()))
  },
)

async function statsOf(shim: Awaited<ReturnType<typeof openShim>>) {
  const { stats } = await shim.call('Stats')
  assert.equal(stats?.typeUrl, CGROUP2_METRICS)
  return cgroup2Metrics.decode(stats?.value ?? new Uint8Array())
}

const processOf = (...args: string[]) => ({
  typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Process',
  value: new TextEncoder().encode(
    JSON.stringify({ user: { uid: 0, gid: 0 }, args, env: ['PATH=/bin'], cwd: '/', terminal: false }),
  ),
})
