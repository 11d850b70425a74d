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

interface Wish {
  readonly script: string
  readonly consoleSize?: { width: number; height: number }
  readonly user?: number
}

const withTerminal = (world: World, { script, consoleSize, user = 0 }: Wish) =>
  world.bundle((config) => {
    config.process.args = ['sh', '-c', script]
    config.process.user.uid = user
    Object.assign(config.process, { terminal: true }, consoleSize ? { consoleSize } : {})
  })

const look = [
  'tty',
  'stty size',
  'echo typed into >/dev/tty',
  'test -c /dev/console && test $(stat -c %t:%T /dev/console) = $(stat -c %t:%T $(tty)) && echo the same',
  'stat -c %a $(tty)',
  'for n in 0 1 2; do readlink /proc/self/fd/$n; done',
].join('; ')

const needsPython = { needs: ['python3'] } as const

testAs({ ...needsPython, as: identityNames }, 'create sends one terminal, and start runs on it', async (world) => {
  const [id, socket] = [world.newId(), socketOf(world)]
  const script = `${look}; read line; echo got $line; exit 3`
  const bundle = await withTerminal(world, { script, consoleSize: { width: 90, height: 30 } })
  await using terminal = await listenForTerminal(socket)
  succeeded(await world.usnea(['create', '--console-socket', socket, '--bundle', bundle.path, id]))
  const { data, rest, fds, size, onlcr } = await terminal.message()
  // Its reader sets the terminal up to its own taste, so newlines are as the kernel has them.
  assert.deepEqual({ data, rest, size, onlcr }, { data: '/dev/pts/0', rest: '', size: [30, 90], onlcr: true })
  assert.equal(fds.length, 1)
  assert.equal(terminal.text(), '', 'nothing is said before start')
  succeeded(await world.usnea(['start', id]))
  const own = '/dev/pts/0\r\n'
  await terminal.shows(`${own}30 90\r\ntyped into\r\nthe same\r\n620\r\n${own}${own}${own}`)
  terminal.write('words\n')
  await terminal.shows('got words\r\n')
  await until('the terminal hung up', () => terminal.hangup())
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(
  needsPython,
  'run --detach sends its terminal too, which belongs to the user and the group tty',
  async (world) => {
    const [id, socket] = [world.newId(), socketOf(world)]
    const script = 'stat -c "%u %g" $(tty); read line </dev/tty; echo $line'
    const bundle = await withTerminal(world, { script, user: 1000 })
    await using terminal = await listenForTerminal(socket)
    succeeded(await world.usnea(['run', '--detach', '--console-socket', socket, '--bundle', bundle.path, id]))
    await terminal.shows('1000 5\r\n')
    terminal.write('typed\n')
    await terminal.shows('typed\r\ntyped\r\n')
    await until('the terminal hung up', () => terminal.hangup())
    succeeded(await world.usnea(['delete', '--force', id]))
  },
)

testAs(
  needsPython,
  'it is the controlling terminal: its keys reach the program, and so does its hanging up',
  async (world) => {
    const [id, socket] = [world.newId(), socketOf(world)]
    const script =
      'trap "echo interrupted" INT; trap "stty size" WINCH; trap "exit 4" HUP; echo up; while :; do sleep 0.1; done'
    const bundle = await withTerminal(world, { script })
    const status = async () => JSON.parse(succeeded(await world.usnea(['state', id]))).status
    await using terminal = await listenForTerminal(socket)
    succeeded(await world.usnea(['run', '--detach', '--console-socket', socket, '--bundle', bundle.path, id]))
    await terminal.shows('up\r\n')
    terminal.write('\x03')
    await terminal.shows('interrupted\r\n')
    terminal.resize(11, 22)
    await terminal.shows('11 22\r\n')
    assert.equal(await status(), 'running')
    terminal.close()
    await until('the program ended', async () => (await status()) === 'stopped')
    succeeded(await world.usnea(['delete', id]))
  },
)

testAs(needsPython, 'jobs of a shell go to the background and come back', async (world) => {
  const [id, socket] = [world.newId(), socketOf(world)]
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-i']
    Object.assign(config.process, { terminal: true })
  })
  await using terminal = await listenForTerminal(socket)
  succeeded(await world.usnea(['run', '--detach', '--console-socket', socket, '--bundle', bundle.path, id]))
  terminal.write('PS1="$((1+1))> "\n')
  await terminal.shows('2> ')
  terminal.write('sleep 1000\n')
  await until('the sleep runs', async () => (await world.usnea(['exec', id, 'pidof', 'sleep'])).status === 0)
  terminal.write('\x1a')
  await terminal.shows(/Stopped +sleep 1000/)
  terminal.write('fg\n')
  await terminal.shows(/fg\r\nsleep 1000/)
  // The shell says so before it hands the terminal over; what is typed meanwhile is its own.
  const goesOn = ['exec', id, 'sh', '-c', 'grep -q "^State:.S" /proc/$(pidof sleep)/status']
  await until('the sleep goes on', async () => (await world.usnea(goesOn)).status === 0)
  terminal.write('\x03')
  terminal.write('echo $((20+3))\n')
  await terminal.shows('23\r\n')
  terminal.write('exit\n')
  await until('the terminal hung up', () => terminal.hangup())
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(needsPython, 'a size beyond 16 bits is the largest there is, and half a size is none', async (world) => {
  for (const [consoleSize, shown] of [
    [{ width: 70_000, height: 4_294_967_295 }, [65_535, 65_535]],
    [{ width: 0, height: 25 }, [0, 0]],
  ] as const) {
    const [id, socket] = [world.newId(), socketOf(world)]
    const bundle = await withTerminal(world, { script: 'true', consoleSize })
    await using terminal = await listenForTerminal(socket)
    succeeded(await world.usnea(['create', '--console-socket', socket, '--bundle', bundle.path, id]))
    assert.deepEqual((await terminal.message()).size, shown)
    succeeded(await world.usnea(['delete', '--force', id]))
  }
})

testAs(needsPython, 'a socket may have a long path, and may be given relative to where we are', async (world) => {
  const bundle = await withTerminal(world, { script: 'echo up' })
  const folder = 'd'.repeat(120)
  succeeded(await world.run(['mkdir', join(world.identity.home, folder)]))
  const id = world.newId()
  await using terminal = await listenForTerminal(join(world.identity.home, 'near.sock'))
  succeeded(
    await world.run(['mv', join(world.identity.home, 'near.sock'), join(world.identity.home, folder, 'far.sock')]),
  )
  succeeded(
    await world.usnea(['run', '--detach', '--console-socket', `${folder}/far.sock`, '--bundle', bundle.path, id], {
      cwd: world.identity.home,
    }),
  )
  await terminal.shows('up\r\n')
  await until('the terminal hung up', () => terminal.hangup())
  succeeded(await world.usnea(['delete', '--force', id]))
})
