// Needs systemd and cgroup v2 alone, and for a user a login session: `npm run test:vm`. Who holds the limits of a sandbox.
import assert from 'node:assert/strict'
import { testAs } from '../fixtures/cases.ts'
import { isRoot } from '../fixtures/users.ts'
import { call, skip } from './scopes.ts'

const me = { as: [isRoot ? 'root' : 'ranges'], skip } as const
const options = { noRoot: true, cwd: '/' }
const limited = ['--memory', '64M', '--pids', '20', '--cpus', '0.5']

testAs(me, 'memory, processes and processors of a sandbox are held by the kernel', async (world) => {
  const explained = await call(world, [...limited, '--explain', '--', 'true'], options)
  const by = isRoot ? 'cgroup' : 'systemd'
  for (const held of [`64M of memory (${by})`, `20 processes and threads may run at once (${by})`])
    assert.ok(explained.stdout.includes(held), explained.stdout)
  const script = 'i=0; while [ $i -lt 30 ]; do sleep 30 & i=$((i+1)); done; echo all'
  const crowded = await call(world, [...limited, '--', 'sh', '-c', script], options)
  assert.equal(crowded.stdout, '', crowded.stderr)
  const eaten = await call(world, [...limited, '--require', 'cgroups', '--', 'tail', '/dev/zero'], options)
  assert.equal(eaten.status, 137, eaten.stderr)
  // systemd takes a scope away with its last process, and with it what the kernel has counted.
  assert.match(eaten.stderr, /the limit memory 67108864 was reached/)
  assert.equal((await call(world, [...limited, '--', 'echo', 'ran'], options)).stdout, 'ran\n')
})
