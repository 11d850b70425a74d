/** Needs user namespaces. `usnea top`: what runs, what it uses, and nothing that steers a terminal. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { printTop } from '../../src/cli/print/top.ts'
import type { Running } from '../../src/container/top.ts'
import { readProcess } from '../../src/host/process.ts'
import { sandbox } from '../../src/sandbox/index.ts'
import { whyNot } from '../fixtures/as.ts'
import { needs } from '../fixtures/needs.ts'
import { until } from '../fixtures/until.ts'
import { openWorld, succeeded } from '../fixtures/world.ts'

const skip = needs('userns') ?? false
const usnea = fileURLToPath(new URL('../../bin/usnea', import.meta.url))
const place = mkdtempSync(join(tmpdir(), 'usnea-top-'))
after(() => rmSync(place, { recursive: true, force: true }))

function top(...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(usnea, ['--root', place, 'top', ...args], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stdout
}

/** Other tests run beside us. */
const ours = (parents: readonly number[]) =>
  (JSON.parse(top('--json')) as Running[]).filter(({ pid }) => parents.includes(readProcess(pid)?.parent ?? 0))

async function found(parent: number, count: number): Promise<Running[]> {
  await until('they are there', () => ours([parent]).filter(({ command }) => command.length > 0).length === count)
  return ours([parent])
}

test('a sandbox of the command line is shown with its level, network, use and command, until it ends', {
  skip,
}, async () => {
  const child = spawn(usnea, ['--memory', '1G', '--accept', 'limits', '--', 'sh', '-c', 'cat; true'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  })
  const [one] = await found(child.pid ?? 0, 1)
  const { kind, status, net, command, pids, memoryLimit, pidsLimit } = one as Running
  assert.deepEqual(
    { kind, status, net, command, pids, memoryLimit, pidsLimit },
    {
      kind: 'sandbox',
      status: 'running',
      net: 'none',
      command: ['sh', '-c', 'cat; true'],
      pids: 2,
      memoryLimit: 2 ** 30,
      pidsLimit: null,
    },
  )
  assert.match(one?.level ?? '', /^(R|N|U[0-3])$/)
  assert.ok((one?.memory ?? 0) > 0 && (one?.ageMs ?? -1) >= 0)
  assert.match(top('--once'), new RegExp(`^sandbox +${one?.id} +running .* none .* 2 +sh -c cat; true$`, 'm'))
  child.stdin?.end()
  await until('it has ended', () => ours([child.pid ?? 0]).length === 0)
})

test('sandboxes of a program are shown, those that wait for a command too', { skip }, async () => {
  await using box = sandbox({ cwd: '/' }, { warm: 1 })
  await box.ready()
  assert.deepEqual(
    ours([process.pid]).map(({ status, command }) => [status, command]),
    [['waiting', []]],
  )
})

test('what a command writes into its name does not steer a terminal', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const running = box.spawn(['bash', '-c', "exec -a $'\\e[31mred\\nsandbox' cat"])
  await until('it has its name', () => ours([process.pid]).some(({ command: [name] }) => name?.includes('red')))
  const [line = ''] = top()
    .split('\n')
    .filter((text) => text.includes('red'))
  assert.match(line, /\\x1b\[31mred sandbox$/)
  running.stdin?.end()
  await running.exited
})

test('what calls itself a sandbox steers no terminal either, and only known words are taken from it', {
  skip: needs('bash', 'python3') ?? false,
}, async () => {
  const label = 'sandbox level=\x1b]0;OWNED\x07\x1b[31mU9 net=\x1b[2J\x9bx memory=5\x1b[2J pids=1e999 cpus=-1'
  const script = `import os, sys; os.execv('/bin/bash', ['usnea-init', '-c', 'read x; :', sys.argv[1], 'spoof\\x9b31m'])`
  const child = spawn('python3', ['-c', script, label], { stdio: ['pipe', 'ignore', 'inherit'] })
  const its = () => (JSON.parse(top('--json')) as Running[]).find(({ pid }) => pid === child.pid)
  await until('it is shown', () => its() !== undefined)
  const { level, net, memoryLimit, pidsLimit, cpusLimit, uid } = its() as Running
  assert.deepEqual(
    { level, net, memoryLimit, pidsLimit, cpusLimit, uid },
    { level: null, net: '', memoryLimit: null, pidsLimit: null, cpusLimit: null, uid: process.geteuid?.() },
  )
  for (const text of [top('--once'), top('--json')]) assert.doesNotMatch(text, /(?!\n)\p{Cc}/u)
  child.stdin.end('\n')
  await once(child, 'exit')
})

test('in the table nothing steers a terminal, whatever cell it is in', () => {
  const bad = 'a\x1b[2J\x9b\nb'
  const one = { kind: 'task', id: bad, pid: 1, uid: 0, status: bad, level: bad, net: bad, command: [bad] }
  const rest = {
    ageMs: 0,
    cpuMs: 0,
    memory: 0,
    memoryLimit: undefined,
    pids: 0,
    pidsLimit: undefined,
    cpusLimit: undefined,
  }
  const text = printTop([{ ...one, ...rest } as unknown as Running])
  assert.equal(text.split('\n').length, 3)
  assert.doesNotMatch(text, /(?!\n)\p{Cc}/u)
})

test('containers of the state directory are shown with their state and limits', {
  skip: whyNot('root') ?? false,
}, async () => {
  await using world = await openWorld('root')
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '60']
    Object.assign(config.linux, { resources: { pids: { limit: 7 } } })
  })
  const id = world.newId()
  const shown = async () =>
    (JSON.parse(succeeded(await world.usnea(['top', '--json']))) as Running[]).filter((one) => one.id === id)
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  assert.deepEqual(
    (await shown()).map(({ kind, status }) => [kind, status]),
    [['container', 'created']],
  )
  succeeded(await world.usnea(['start', id]))
  const [one] = await shown()
  assert.deepEqual([one?.status, one?.pids, one?.pidsLimit, one?.command], ['running', 1, 7, ['sleep', '60']])
  succeeded(await world.usnea(['delete', '--force', id]))
  assert.deepEqual(await shown(), [])
})

test('tasks are shown by their records, those that have ended are not', () => {
  const write = (id: string, process_: { pid: number; startTime: string }) => {
    const bundle = join(place, '@tasks/state/default', id)
    mkdirSync(bundle, { recursive: true })
    const shim = { runtime: 'x', binary: '/x', options: '', address: '', version: 3 }
    const record = {
      version: 1,
      namespace: 'default',
      id,
      instance: 'i',
      bundle,
      created: 1,
      io: {},
      shim,
      process: process_,
    }
    writeFileSync(
      join(bundle, 'task.json'),
      JSON.stringify({ ...record, phase: 'there', wasStarted: true, labels: {} }),
    )
  }
  write('runs', { pid: process.pid, startTime: readProcess(process.pid)?.startTime ?? '' })
  write('ended', { pid: process.pid, startTime: '1' })
  const tasks = (JSON.parse(top('--json')) as Running[]).filter(({ kind }) => kind === 'task')
  assert.deepEqual(
    tasks.map(({ id, pid, net }) => [id, pid, net]),
    [['default/runs', process.pid, 'host']],
  )
})

test('on a terminal it draws until it is interrupted, and gives the screen back', {
  skip: needs('python3') ?? false,
}, () => {
  // wide: other tests run sandboxes with long names, and what does not fit is cut
  const script = `import fcntl, pty, os, signal, struct, sys, termios
pid, master = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 50, 1000, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
text = b''
while text.count(b'COMMAND') < 2: text += os.read(master, 4096)
os.kill(pid, signal.SIGINT)
try:
    while True:
        more = os.read(master, 4096)
        if not more: break
        text += more
except OSError: pass
print(os.waitpid(pid, 0)[1], text.startswith(b'\\x1b[?1049h'), text.rstrip().endswith(b'\\x1b[?1049l'), b'\\x1b[1m' in text)`
  const run = (env: NodeJS.ProcessEnv) =>
    spawnSync('python3', ['-c', script, usnea, '--root', place, 'top', '--interval', '100ms'], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, TERM: 'xterm', ...env },
      timeout: 60_000,
    }).stdout
  assert.equal(run({}), '0 True True True\n')
  assert.equal(run({ NO_COLOR: '1' }), '0 True True False\n')
})

test('what is no interval is an error', () => {
  for (const text of ['0', '50ms', 'often', '']) {
    const { status, stderr } = spawnSync(usnea, ['top', '--interval', text], { encoding: 'utf8' })
    assert.equal(status, 1, stderr)
    assert.match(stderr, /invalid value .* for --interval/)
  }
})
