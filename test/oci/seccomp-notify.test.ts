// Needs a static busybox and python3: notifications reach the agent that the profile names, and nobody waits in vain.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { type Agent, startAgent } from '../fixtures/seccomp.ts'
import { until } from '../fixtures/until.ts'
import { refused, succeeded } from '../fixtures/world.ts'

const python = { needs: ['python3'] as const }
const both = [true, false] as const
const ENETDOWN = 100
const mkdirs = ['mkdir', 'mkdirat']

const notify = (names: readonly string[], listenerPath: string, more: object = {}) => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  listenerPath,
  syscalls: [{ names, action: 'SCMP_ACT_NOTIFY' }],
  ...more,
})

const asking = (agent: Agent, names: readonly string[], noNewPrivileges: boolean) => (config: Config) => {
  config.process.noNewPrivileges = noNewPrivileges
  config.linux.seccomp = notify(names, agent.socket, { listenerMetadata: 'what the engine says' })
}

testAs({ ...python, as: ['root', 'ranges', 'plain'] }, 'the agent answers for the program', async (world) => {
  await using agent = await startAgent(world, ENETDOWN)
  for (const noNewPrivileges of both) {
    const id = world.newId()
    const bundle = await world.bundle((config) => {
      config.process.args = ['mkdir', '/tmp/a']
      asking(agent, mkdirs, noNewPrivileges)(config)
    })
    const outcome = await world.usnea(['run', '--bundle', bundle.path, id])
    assert.match(outcome.stderr, /mkdir: .*Network is down/)
    const { message, fds } = agent.taken().at(-1) ?? assert.fail('the agent got nothing')
    assert.deepEqual([message.fds, message.metadata], [['seccompFd'], 'what the engine says'])
    assert.deepEqual([message.state.id, message.state.status], [id, 'creating'])
    assert.equal(message.state.bundle, bundle.path)
    assert.equal(message.pid, message.state.pid)
    assert.deepEqual(fds, ['anon_inode:seccomp notify'])
  }
})

testAs(python, 'calls that init itself makes may be notified as well', async (world) => {
  await using agent = await startAgent(world, 0)
  const names = ['execve', 'openat', 'open', 'read', 'close', 'fcntl', 'sendto', 'getcwd', 'close_range', 'stat']
  for (const noNewPrivileges of both) {
    const id = world.newId()
    const bundle = await world.bundle((config) => {
      config.process.args = ['sh', '-c', 'cat /etc/group > /dev/null && exec sleep 1000']
      asking(agent, names, noNewPrivileges)(config)
    })
    succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
    succeeded(await world.usnea(['start', id]))
    const program = () => world.usnea(['ps', id])
    await until('the program runs', async () => (await program()).stdout.includes('sleep'))
    succeeded(await world.usnea(['delete', '--force', id]))
  }
})

testAs(python, 'exec has a listener of its own, and says which process it is', async (world) => {
  await using agent = await startAgent(world, ENETDOWN)
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    asking(agent, mkdirs, false)(config)
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  assert.match((await world.usnea(['exec', id, 'mkdir', '/tmp/a'])).stderr, /Network is down/)
  const [first, second] = agent.taken().map(({ message }) => message)
  assert.equal(second?.state.status, 'running')
  assert.equal(second?.state.pid, first?.pid)
  assert.notEqual(second?.pid, first?.pid)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(python, 'a hook and the program get no descriptor of the listener', async (world) => {
  await using agent = await startAgent(world, 0)
  const bundle = await world.bundle((config) => {
    const count = 'test "$(ls /proc/self/fd | wc -l)" = 4'
    config.process.args = ['sh', '-c', `${count} && echo none`]
    asking(agent, mkdirs, true)(config)
    config.hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', count] }] }
  })
  assert.equal(succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()])), 'none\n')
})

testAs(python, 'when the agent is gone, calls answer that they do not exist', async (world) => {
  const id = world.newId()
  const wait = 'until test -e /tmp/go; do sleep 0.05; done'
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', `${wait}; mkdir /tmp/a 2> /tmp/saying; mv /tmp/saying /tmp/said; sleep 1000`]
  })
  {
    await using agent = await startAgent(world, 0)
    const flags = ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV']
    bundle.config.linux.seccomp = notify(mkdirs, agent.socket, { flags })
    writeFileSync(join(bundle.path, 'config.json'), JSON.stringify(bundle.config))
    succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
    assert.equal(agent.taken().length, 1)
  }
  writeFileSync(join(bundle.rootfs, 'tmp/go'), '')
  const said = join(bundle.rootfs, 'tmp/said')
  await until('the call has returned', () => existsSync(said))
  assert.match(readFileSync(said, 'utf8'), /Function not implemented/)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'without an agent nothing is made', async (world) => {
  const path = join(world.identity.home, 'nobody.sock')
  for (const listenerPath of [path, '@abstract', world.identity.home]) {
    const bundle = await world.bundle((config) => {
      config.process.args = ['true']
      config.linux.seccomp = notify(mkdirs, listenerPath)
    })
    const outcome = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
    refused(outcome, /failed to connect with seccomp agent/)
  }
})

testAs({}, 'a path to an agent that nobody notifies is not looked at', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['mkdir', '/tmp/a']
    config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/nowhere', listenerMetadata: 'x' }
  })
  succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()]))
})
