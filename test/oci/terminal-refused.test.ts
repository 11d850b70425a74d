// Needs a static busybox and python3; sockets and terminals that cannot be had: one clear line, and nothing is left.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { listenForTerminal } from '../fixtures/terminal.ts'
import { until } from '../fixtures/until.ts'
import { type Bundle, refused, succeeded, type World } from '../fixtures/world.ts'

const noSocket =
  /^(?:runc|usnea) (?:create|run) failed: |cannot allocate tty if usnea will detach without setting console socket/
const noUse = /cannot use console socket if usnea will not detach or allocate tty/

const terminalBundle = (world: World, args = ['sleep', '1000']) =>
  world.bundle((config) => {
    config.process.args = args
    Object.assign(config.process, { terminal: true })
  })

/** A detached call for a bundle with a terminal, whose socket is what the test is about. */
const detached = (world: World, bundle: Bundle, socket: string, verb: 'create' | 'run' = 'create') => [
  ...[verb, ...(verb === 'run' ? ['--detach'] : []), '--console-socket', socket, '--bundle', bundle.path],
  world.newId(),
]

testAs({}, 'a terminal that nobody takes is refused before anything is made', async (world) => {
  const bundle = await terminalBundle(world)
  for (const verb of [['create'], ['run', '--detach']])
    refused(await world.usnea([...verb, '--bundle', bundle.path, world.newId()]), noSocket)
  assert.ok(!existsSync(world.state) || (await world.usnea(['list', '--quiet'])).stdout === '')
})

testAs({}, 'a console socket without a terminal, or for one that we attend, is refused', async (world) => {
  const plain = await world.bundle()
  for (const verb of [['create'], ['run', '--detach'], ['run']])
    refused(await world.usnea([...verb, '--console-socket', '/nowhere', '--bundle', plain.path, world.newId()]), noUse)
  const bundle = await terminalBundle(world)
  refused(await world.usnea(['run', '--console-socket', '/nowhere', '--bundle', bundle.path, world.newId()]), noUse)
})

testAs({ needs: ['python3'] }, 'a socket that is none is named, with what it is instead', async (world) => {
  const bundle = await terminalBundle(world)
  const { home } = world.identity
  const stale = join(home, 'stale.sock')
  const bind = 'import socket, sys; socket.socket(socket.AF_UNIX, getattr(socket, sys.argv[2])).bind(sys.argv[1])'
  succeeded(await world.run(['/usr/bin/python3', '-c', bind, stale, 'SOCK_STREAM']))
  const other = join(home, 'datagram.sock')
  succeeded(await world.run(['/usr/bin/python3', '-c', bind, other, 'SOCK_DGRAM']))
  const wrong: [path: string, words: RegExp][] = [
    [join(home, 'missing.sock'), /cannot connect to the console socket .*missing\.sock: no such file or directory/],
    [world.file('plain', ''), /cannot connect to the console socket .*plain: socket operation on non-socket/],
    [home, /cannot connect to the console socket .*: socket operation on non-socket/],
    [stale, /cannot connect to the console socket .*stale\.sock: connection refused/],
    [
      other,
      /cannot connect to the console socket .*datagram\.sock: (connection refused|protocol wrong type for socket)/,
    ],
  ]
  for (const [path, words] of wrong)
    for (const verb of ['create', 'run'] as const)
      refused(await world.usnea(detached(world, bundle, path, verb)), words)
  const plain = await world.bundle()
  refused(
    await world.usnea(['create', '--pidfd-socket', stale, '--bundle', plain.path, world.newId()]),
    /cannot connect to the pidfd socket .*stale\.sock: connection refused/,
  )
})

testAs(
  { needs: ['python3'] },
  'a listener that closes early is an error, and the container goes again',
  async (world) => {
    const [socket, flag] = [join(world.identity.home, 'shut.sock'), join(world.identity.home, 'is-shut')]
    const bundle = await world.bundle((config) => {
      Object.assign(config.process, { terminal: true, args: ['sleep', '1000'] })
      // Between the connection and the sending, until the listener is certainly gone.
      const wait = `until test -e ${flag}; do sleep 0.05; done`
      config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', wait] }] }
    })
    await using listener = await listenForTerminal(socket, 'shut')
    const call = world.call(detached(world, bundle, socket))
    await until('the listener shut the connection', () => listener.isShut())
    world.file('is-shut', '')
    refused(await call.ended, /cannot send to the console socket .*shut\.sock: (broken pipe|connection reset by peer)/)
    assert.equal(succeeded(await world.usnea(['list', '--quiet'])), '')
  },
)

testAs({ needs: ['python3'] }, 'a listener that never accepts does not hold us', async (world) => {
  const [deaf, full] = ['deaf', 'full'].map((name) => join(world.identity.home, `${name}.sock`)) as [string, string]
  const bundle = await terminalBundle(world)
  const call = detached(world, bundle, deaf)
  {
    await using _listener = await listenForTerminal(deaf, 'deaf')
    succeeded(await world.usnea(call))
  }
  succeeded(await world.usnea(['delete', '--force', call.at(-1) ?? '']))
  await using _listener = await listenForTerminal(full, 'full')
  refused(await world.usnea(detached(world, bundle, full)), /cannot connect to the console socket .*: .*timed out/)
})

testAs({ needs: ['python3'] }, 'a container that fails after its terminal was opened sends nothing', async (world) => {
  const socket = join(world.identity.home, 'unsent.sock')
  const bundle = await terminalBundle(world, ['/no/such/program'])
  await using listener = await listenForTerminal(socket)
  refused(await world.usnea(detached(world, bundle, socket)), /no such file or directory/)
  const { data, fds } = await listener.message()
  assert.deepEqual({ data, fds }, { data: '', fds: [] })
})
