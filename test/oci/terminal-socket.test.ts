// Needs a static busybox and python3; a container's terminal that is sent to somebody over --console-socket.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { identityNames } from '../fixtures/as.ts'
import { testAs } from '../fixtures/cases.ts'
import { listenForTerminal } from '../fixtures/terminal.ts'
import { until } from '../fixtures/until.ts'
import { succeeded, type World } from '../fixtures/world.ts'

let sockets = 0
const socketOf = ({ identity }: World) => join(identity.home, `console-${++sockets}.sock`)

const withTerminal = (world: World, script: string, consoleSize?: { width: number; height: number }) =>
  world.bundle((config) => {
    config.process.args = ['sh', '-c', script]
    Object.assign(config.process, { terminal: true }, consoleSize ? { consoleSize } : {})
  })

const look =
  'tty; stty size; echo typed into >/dev/tty; test -c /dev/console && test /dev/console -ef $(tty) && echo one; stat -c %a $(tty)'

testAs({ as: identityNames, needs: ['python3'] }, 'create sends one terminal, and start runs on it', async (world) => {
  const [id, socket] = [world.newId(), socketOf(world)]
  const bundle = await withTerminal(world, `${look}; read line; echo got $line; exit 3`, { width: 90, height: 30 })
  await using terminal = await listenForTerminal(socket)
  succeeded(await world.usnea(['create', '--console-socket', socket, '--bundle', bundle.path, id]))
  await until('the message came', () => terminal.received() !== undefined)
  const { fds, ...rest } = terminal.received() ?? assert.fail()
  assert.deepEqual(
    { ...rest, event: undefined },
    {
      event: undefined,
      data: '/dev/pts/0',
      rest: '',
      size: [30, 90],
      onlcr: true,
    },
  )
  assert.equal(fds.length, 1)
  assert.equal(terminal.text(), '', 'nothing is said before start')
  succeeded(await world.usnea(['start', id]))
  await terminal.shows('/dev/pts/0\r\n30 90\r\ntyped into\r\none\r\n620\r\n')
  terminal.write('words\n')
  await terminal.shows('got words\r\n')
  await until('the terminal hung up', () => terminal.hangup())
  succeeded(await world.usnea(['delete', '--force', id]))
})
