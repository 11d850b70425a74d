// Needs podman, systemd, cgroup v2 alone, and for a user a login session: `npm run test:vm -- podman`. What podman asks of
// a runtime when it limits, measures, pauses and changes a container, with both of its cgroup managers.
import assert from 'node:assert/strict'
import { testAs } from '../fixtures/cases.ts'
import { runtimePath } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'
import { isRoot } from '../fixtures/users.ts'
import { succeeded } from '../fixtures/world.ts'
import { patience, startPodman, skip as unfit } from './scopes.ts'

const skip = unfit ?? needs('podman', 'conmon')
if (skip === undefined) startPodman()

for (const manager of ['systemd', 'cgroupfs'] as const)
  testAs(
    { as: [isRoot ? 'root' : 'ranges'], skip },
    `podman with ${manager}: limits, statistics, pause and update`,
    async (world) => {
      const bundle = await world.bundle()
      const call = async (...args: string[]) => {
        const argv = ['podman', '--log-level', 'error', '--runtime', await runtimePath(), '--cgroup-manager', manager]
        return world.run([...argv, ...args], patience)
      }
      const done = async (...args: string[]) => succeeded(await call(...args)).trim()
      const name = world.newId()
      const files = ['memory.max', 'cpu.max', 'pids.max'].map((file) => `/sys/fs/cgroup/${file}`)
      const held = async () => (await done('exec', name, 'cat', ...files)).split('\n')
      const status = () => done('inspect', '--format', '{{.State.Status}}', name)
      try {
        const limits = ['--memory', '64m', '--cpus', '0.5', '--pids-limit', '20']
        await done(
          'run',
          '-d',
          '--name',
          name,
          '--network',
          'none',
          ...limits,
          '--rootfs',
          bundle.rootfs,
          'sleep',
          '1000',
        )
        assert.deepEqual(await held(), ['67108864', '50000 100000', '20'])
        assert.match(await done('stats', '--no-stream', '--format', '{{.MemLimit}} {{.PIDS}}', name), /^67108864 [12]$/)
        await done('pause', name)
        assert.equal(await status(), 'paused')
        await done('unpause', name)
        assert.equal(await status(), 'running')
        await done('update', '--memory', '80m', '--cpus', '0.25', name)
        assert.deepEqual(await held(), ['83886080', '25000 100000', '20'])
        // Only podman 5 and newer know it.
        const more = await call('update', '--pids-limit', '30', name)
        if (!more.stderr.includes('unknown flag')) assert.deepEqual([more.status, (await held())[2]], [0, '30'])
      } finally {
        await call('rm', '--force', '--time', '0', name)
      }
    },
  )
