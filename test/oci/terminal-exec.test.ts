// Needs a static busybox and python3; terminals of programs that exec puts beside a running container.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { identityNames } from '../fixtures/as.ts'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { listenForTerminal } from '../fixtures/terminal.ts'
import { until } from '../fixtures/until.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

let sockets = 0
const socketOf = ({ identity }: World) => join(identity.home, `exec-${++sockets}.sock`)

async function withContainer(world: World, body: (id: string) => Promise<void>, patch?: (config: Config) => void) {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    patch?.(config)
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  await body(id)
  succeeded(await world.usnea(['delete', '--force', id]))
}

const look = 'tty; stty size; for n in 0 1 2; do readlink /proc/self/fd/$n; done; echo typed into >/dev/tty'

testAs({ as: identityNames, needs: ['python3'] }, 'exec --tty --detach sends a terminal of the container', (world) =>
  withContainer(
    world,
    async (id) => {
      const socket = socketOf(world)
      await using terminal = await listenForTerminal(socket)
      const call = ['exec', '--detach', '--tty', '--console-socket', socket, id]
      succeeded(await world.usnea([...call, 'sh', '-c', `${look}; read line; echo got $line`]))
      const { data, rest, onlcr } = await terminal.message()
      assert.deepEqual({ data, rest, onlcr }, { data: '/dev/pts/0', rest: '', onlcr: true })
      await terminal.shows(`/dev/pts/0\r\n7 9\r\n${'/dev/pts/0\r\n'.repeat(3)}typed into\r\n`)
      terminal.write('words\n')
      await terminal.shows('got words\r\n')
      await until('the terminal hung up', () => terminal.hangup())
    },
    (config) => Object.assign(config.process, { consoleSize: { width: 9, height: 7 } }),
  ),
)

testAs({ needs: ['python3'] }, 'a description from a file asks for a terminal of its size, owner and keys', (world) =>
  withContainer(world, async (id) => {
    const socket = socketOf(world)
    const script =
      'stty size; stat -c "%u %g %a" $(tty); trap "echo interrupted; exit" INT; while :; do sleep 0.1; done'
    const description = {
      terminal: true,
      consoleSize: { height: 10, width: 110 },
      user: { uid: 1000, gid: 1000 },
      args: ['/bin/sh', '-c', script],
      cwd: '/',
    }
    const file = world.file('process.json', JSON.stringify(description))
    await using terminal = await listenForTerminal(socket)
    succeeded(await world.usnea(['exec', '--detach', '--console-socket', socket, '--process', file, id]))
    assert.deepEqual((await terminal.message()).size, [10, 110])
    await terminal.shows('10 110\r\n1000 5 620\r\n')
    terminal.write('\x03')
    await terminal.shows('interrupted\r\n')
    await until('the terminal hung up', () => terminal.hangup())
  }),
)

testAs({ needs: ['python3'] }, 'several terminals of one container are apart', (world) =>
  withContainer(world, async (id) => {
    const [first, second] = [socketOf(world), socketOf(world)]
    await using one = await listenForTerminal(first)
    await using two = await listenForTerminal(second)
    for (const socket of [first, second])
      succeeded(await world.usnea(['exec', '--detach', '--tty', '--console-socket', socket, id, 'cat']))
    assert.deepEqual([(await one.message()).data, (await two.message()).data], ['/dev/pts/0', '/dev/pts/1'])
    one.write('for one\n')
    two.write('for two\n')
    await one.shows('for one\r\nfor one\r\n')
    await two.shows('for two\r\nfor two\r\n')
    assert.doesNotMatch(one.text(), /two/)
    one.write('\x04')
    two.write('\x04')
    await until('both hung up', () => one.hangup() && two.hangup())
  }),
)

testAs({}, 'exec needs somebody who takes the terminal, and no socket without one', (world) =>
  withContainer(world, async (id) => {
    refused(
      await world.usnea(['exec', '--detach', '--tty', id, 'true']),
      /cannot allocate tty if usnea will detach without setting console socket/,
      255,
    )
    for (const flags of [['--detach'], []])
      refused(
        await world.usnea(['exec', ...flags, '--console-socket', '/nowhere', id, 'true']),
        /cannot use console socket if usnea will not detach or allocate tty/,
        255,
      )
    refused(
      await world.usnea(['exec', '--detach', '--tty', '--console-socket', '/nowhere', id, 'true']),
      /cannot connect to the console socket \/nowhere/,
      255,
    )
  }),
)

testAs(
  { needs: ['python3'] },
  'exec finds no terminal in a container without a devpts, and says what is missing',
  (world) =>
    withContainer(
      world,
      async (id) => {
        const socket = socketOf(world)
        await using terminal = await listenForTerminal(socket)
        refused(
          await world.usnea(['exec', '--detach', '--tty', '--console-socket', socket, id, 'true']),
          /cannot open a terminal in the container .*; cause: the container has no \/dev\/pts, .*; fix: mount one of its own/,
          255,
        )
        assert.equal((await terminal.message()).data, '')
      },
      (config) => {
        config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev/pts')
      },
    ),
)
