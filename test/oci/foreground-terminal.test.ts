// Needs a static busybox and python3; a terminal in the foreground: raw while it lasts, and afterwards as it was before.
import assert from 'node:assert/strict'
import { testAs } from '../fixtures/cases.ts'
import { runtimePath } from '../fixtures/install.ts'
import { readProcess } from '../fixtures/processes.ts'
import { handedOver } from '../fixtures/resident.ts'
import { onTerminal, type Terminal } from '../fixtures/terminal.ts'
import { until } from '../fixtures/until.ts'
import { succeeded, type World } from '../fixtures/world.ts'

const withTerminal = (world: World, script: string) =>
  world.bundle((config) => {
    config.process.args = ['sh', '-c', script]
    config.process.terminal = true
  })

/** A shell that compares what the terminal was set to before and after, and stays until it is told to go. */
const watched =
  'b=$(stty -g); "$@"; s=$?; a=$(stty -g); [ "$a" = "$b" ] && echo "intact, status $s" || echo changed; read end'

async function onWatchedTerminal(world: World, args: readonly string[]): Promise<Terminal> {
  const words = [await runtimePath(), '--root', world.state, ...args]
  return onTerminal(world, ['/bin/sh', '-c', watched, 'sh', ...words], { rows: 33, columns: 99 })
}

async function run(world: World, script: string): Promise<Terminal> {
  const bundle = await withTerminal(world, script)
  return onWatchedTerminal(world, ['run', '--bundle', bundle.path, world.newId()])
}

async function ends(terminal: Terminal, status: number): Promise<void> {
  await terminal.shows(`intact, status ${status}\r\n`)
  terminal.write('\n')
  await until('the terminal is given up', () => terminal.hangup())
}

const python = { needs: ['python3'] } as const

testAs(python, 'the terminal inside has the size of ours, follows it, and ours is raw meanwhile', async (world) => {
  const script =
    'trap "stty size" WINCH; stty size; test -t 0 && test -t 1 && test -t 2 && echo three; until read x; do :; done; exit 3'
  await using terminal = await run(world, script)
  await terminal.shows('33 99\r\nthree\r\n')
  await until('it is raw', async () => !(await terminal.modes()).canonical)
  assert.equal((await terminal.modes()).echo, false)
  terminal.resize(20, 70)
  await terminal.shows('20 70\r\n')
  await handedOver(world)
  terminal.resize(21, 71)
  await terminal.shows('21 71\r\n')
  terminal.write('end\n')
  await ends(terminal, 3)
})

testAs(
  python,
  'what is typed goes inside: interrupt, suspend and end of file are for the program there',
  async (world) => {
    const script =
      'trap "echo interrupted" INT; echo up; cat; echo after $?; stty -isig; echo plain; dd bs=1 count=1 2>/dev/null | od -c; exit 0'
    await using terminal = await run(world, script)
    await terminal.shows('up\r\n')
    await handedOver(world)
    terminal.write('\x03')
    // from here on the terminal makes no signals of what is typed
    await terminal.shows('interrupted\r\nafter 130\r\nplain\r\n')
    terminal.write('\x1a\n')
    await terminal.shows('032')
    await ends(terminal, 0)
  },
)

for (const [signal, status] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }))
  testAs(python, `the terminal is intact after ${signal} to the one who waits`, async (world) => {
    const number = status - 128
    await using terminal = await run(world, `trap "exit ${status}" ${number}; echo up; while :; do sleep 0.05; done`)
    await terminal.shows('up\r\n')
    const [waiting] = await handedOver(world)
    process.kill(waiting?.pid ?? 0, signal)
    await ends(terminal, status)
  })

testAs(python, 'the terminal is intact when the container is killed from outside, and for exec too', async (world) => {
  const bundle = await withTerminal(world, 'echo up; sleep 1000')
  const id = world.newId()
  await using terminal = await onWatchedTerminal(world, ['run', '--bundle', bundle.path, id])
  await terminal.shows('up\r\n')
  await using second = await onWatchedTerminal(world, ['exec', '--tty', id, 'sh', '-c', 'tty; stty size; read x'])
  await second.shows('/dev/pts/1\r\n33 99\r\n')
  await handedOver(world, 2)
  succeeded(await world.usnea(['kill', id, 'KILL']))
  await ends(terminal, 137)
  await ends(second, 137)
})

testAs(python, 'a crash of the one who waits leaves the terminal as it was', async (world) => {
  await using terminal = await run(world, 'trap "exit 0" HUP; echo up; while :; do sleep 0.05; done')
  await terminal.shows('up\r\n')
  const [waiting] = await handedOver(world)
  process.kill(waiting?.pid ?? 0, 'SIGSEGV')
  await ends(terminal, 139)
  // The container lost its terminal, which is a SIGHUP; nobody was left to take it away.
  const [id = ''] = succeeded(await world.usnea(['list', '-q'])).split('\n')
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(python, 'a stop gives the terminal back for as long as it lasts', async (world) => {
  const bundle = await withTerminal(world, 'echo up; while read line; do echo got $line; done; exit 4')
  const call = [await runtimePath(), '--root', world.state, 'run', '--bundle', bundle.path, world.newId()]
  // Only where a shell has job control do stops mean anything: signal(7), orphaned process groups.
  const script = 'set -m; "$@"; echo "stopped $?"; read go; fg >/dev/null; echo "status $?"; read end'
  await using terminal = onTerminal(world, ['/bin/sh', '-c', script, 'sh', ...call])
  await terminal.shows('up\r\n')
  const [waiting] = await handedOver(world)
  const pid = waiting?.pid ?? 0
  process.kill(pid, 'SIGTSTP')
  await terminal.shows('stopped 148\r\n')
  assert.equal(readProcess(pid)?.state, 'T')
  assert.equal((await terminal.modes()).canonical, true)
  terminal.write('\n')
  await until('it is raw again', async () => !(await terminal.modes()).canonical)
  terminal.write('more\n')
  await terminal.shows('got more\r\n')
  terminal.write('\x04')
  await terminal.shows('status 4\r\n')
  terminal.write('\n')
  await until('the terminal is given up', () => terminal.hangup())
})

testAs(python, 'a stdin that is no terminal is typed in, and its end is an end of file that stays', async (world) => {
  const bundle = await withTerminal(world, 'stty size; cat; echo first; cat; echo second; exec sh -i')
  const call = [await runtimePath(), '--root', world.state, 'run', '--bundle', bundle.path, world.newId()]
  const script = 'printf "one\\ntwo" | { "$@"; echo "status $?"; }; read end'
  await using terminal = onTerminal(world, ['/bin/sh', '-c', script, 'sh', ...call], { rows: 20, columns: 60 })
  await terminal.shows(/20 60\r\n[\s\S]*two[\s\S]*first[\s\S]*second[\s\S]*status 0\r\n$/)
  terminal.write('\n')
  await until('the terminal is given up', () => terminal.hangup())
})

testAs({}, 'without any terminal of ours the one inside works all the same', async (world) => {
  const bundle = await withTerminal(world, 'test -t 0 && echo tty; cat; exit 6')
  const call = ['run', '--bundle', bundle.path, world.newId()]
  const { status, stdout, stderr } = await world.usnea(call, { through: ['setsid', '--wait'], input: 'a line\n' })
  // The terminal echoes what comes in before anybody reads it, so the echo may stand before the program's first word.
  const lines = stdout.split('\n').sort()
  assert.deepEqual({ status, lines }, { status: 6, lines: ['', 'a line', 'a line', 'tty'] }, stderr)
})

testAs({}, 'megabytes come out of a terminal unchanged', async (world) => {
  const bundle = await withTerminal(world, 'i=0; while [ $i -lt 10 ]; do seq 1 100000; i=$((i+1)); done')
  const { status, stdout } = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
  assert.equal(status, 0)
  const once = Array.from({ length: 100_000 }, (_, n) => `${n + 1}\n`).join('')
  assert.ok(stdout === once.repeat(10), `got ${stdout.length} of ${once.length * 10} characters`)
})

testAs({}, 'a program that closes its terminal and opens it again is heard again', async (world) => {
  const script = 'echo one; exec <&- >&- 2>&-; sleep 0.2; exec >/dev/tty; echo two'
  const bundle = await withTerminal(world, script)
  assert.equal(succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()])), 'one\ntwo\n')
})

testAs({}, 'a reader that went away hangs up the terminal', async (world) => {
  const bundle = await withTerminal(world, 'trap "exit 5" HUP; while :; do echo line; sleep 0.05; done')
  const through = ['sh', '-c', '{ "$@"; echo "status $?" >&2; } | head -n 1', 'sh']
  const { stdout, stderr } = await world.usnea(['run', '--bundle', bundle.path, world.newId()], { through })
  assert.equal(stdout, 'line\n')
  assert.match(stderr, /status 5\n/)
})
