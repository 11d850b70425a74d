/** What is denied is seen: each kind of it with its rule, whole and bounded, and by nothing that the command could forge. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Denial, type SandboxOptions, sandbox } from '../../src/index.ts'
import { whyNot } from '../fixtures/as.ts'
import { reachableNode, runtimePath } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'
import { descriptors, linkOf } from '../fixtures/processes.ts'
import { until } from '../fixtures/until.ts'
import { openWorld } from '../fixtures/world.ts'

const skip = needs('userns', 'python3')
const usnea = fileURLToPath(new URL('../../bin/usnea', import.meta.url))
const place = realpathSync(mkdtempSync(join(tmpdir(), 'usnea-denials-')))
after(() => rmSync(place, { recursive: true, force: true }))

let folders = 0
function folder(): string {
  const path = join(place, `folder-${++folders}`)
  mkdirSync(path)
  return path
}

async function denied(argv: readonly string[], options: SandboxOptions = {}) {
  await using box = sandbox({ cwd: '/', denials: true, ...options })
  const { denials = [], stdout, stderr, exitCode } = await box.run(argv, { reject: false })
  return { denials, stdout, stderr, exitCode }
}

const words = ({ kind, action, path, address, port, call, argument, errno, rule }: Denial) =>
  [
    ...[kind, action, path ?? (address && `${address}:${port}`) ?? call, argument, errno, rule].filter(
      (word) => word !== undefined,
    ),
  ].join(' ')

const attempts = `
import ctypes, os, socket, sys
def attempt(act, *words):
    try: act(*words)
    except OSError: pass
project, secret, hidden, closed, victim, abstract = sys.argv[1:]
attempt(open, secret)
attempt(open, hidden)
attempt(open, closed)
attempt(open, '/etc/made', 'w')
attempt(os.unlink, '/etc/hostname')
attempt(os.mkdir, '/usr/made')
attempt(os.rename, '/etc/hostname', '/tmp/x')
attempt(os.chmod, '/etc/hostname', 0)
attempt(os.symlink, 'x', '/etc/link')
attempt(open, project + '/.git/hooks/post-commit', 'w')
attempt(os.rename, project + '/.git', project + '/git')
attempt(os.kill, int(victim), 9)
attempt(open, '/proc/' + victim + '/environ')
attempt(socket.socket(socket.AF_INET).connect, ('169.254.169.254', 80))
attempt(socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto, b'x', ('192.0.2.1', 53))
attempt(socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg, [b'x'], [], 0, ('192.0.2.2', 53))
attempt(socket.socket(socket.AF_INET6).connect, ('2001:db8::1', 443))
attempt(socket.socket(socket.AF_UNIX).connect, '\\0' + abstract)
attempt(socket.socket(socket.AF_UNIX).connect, secret + '.sock')
attempt(lambda: socket.socket(9, socket.SOCK_DGRAM))
libc = ctypes.CDLL(None, use_errno=True)
libc.unshare(0x10000000)
libc.ptrace(16, int(victim), 0, 0)
attempt(os.execv, secret, ['x'])
attempt(os.chdir, os.path.dirname(secret))
`

test('files, networks, system calls and processes: each with the rule that denied it', { skip }, async () => {
  const home = folder()
  const [project, shown] = [join(home, 'project'), join(home, 'shown')]
  for (const path of ['.git/hooks', '']) mkdirSync(join(project, path), { recursive: true })
  mkdirSync(shown)
  for (const path of [join(home, 'secret'), join(shown, 'hidden'), join(shown, 'closed')]) writeFileSync(path, 'SECRET')
  const server = createServer().listen(`${home}/secret.sock`)
  const abstract =
    "import socket, time; s = socket.socket(1); s.bind('\\0usnea-test-" +
    process.pid +
    "'); s.listen(); print(flush=True); time.sleep(60)"
  const other = spawn('/usr/bin/python3', ['-c', abstract], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(other.stdout, 'data')
  const argv = [
    '/usr/bin/python3',
    '-c',
    attempts,
    project,
    join(home, 'secret'),
    join(shown, 'hidden'),
    join(shown, 'closed'),
  ]
  const { denials } = await denied([...argv, `${process.pid}`, `usnea-test-${process.pid}`], {
    rw: [project],
    ro: [shown],
    hide: [join(shown, 'hidden')],
    deny: [join(shown, 'closed')],
  })
  server.close()
  other.kill()
  const own = denials.filter(({ command, path }) => command === 'python3' && !path?.includes('python'))
  const got = own.map(words)
  const [tmp] = ['/tmp']
  for (const line of [
    `file read ${home}/secret ENOENT private ${tmp}`,
    `file read ${shown}/hidden hide ${shown}/hidden`,
    `file read ${shown}/closed EACCES deny ${shown}/closed`,
    'file write /etc/made EROFS read-only',
    'file remove /etc/hostname EROFS read-only',
    'file create /usr/made EROFS read-only',
    'file change /etc/hostname EROFS read-only',
    'file create /etc/link EROFS read-only',
    `file write ${project}/.git/hooks/post-commit EROFS protect ${project}/.git/hooks`,
    `file remove ${project}/.git EBUSY protect ${project}/.git`,
    `process signal /proc/${process.pid} ESRCH processes`,
    `process read /proc/${process.pid}/environ ENOENT processes`,
    'network connect 169.254.169.254:80 ENETUNREACH net none',
    'network send 192.0.2.1:53 ENETUNREACH net none',
    'network send 192.0.2.2:53 ENETUNREACH net none',
    'network connect 2001:db8::1:443 ENETUNREACH net none',
    `file connect @usnea-test-${process.pid} ECONNREFUSED net none`,
    `file connect ${home}/secret.sock ENOENT private ${tmp}`,
    'call call socket 9 EAFNOSUPPORT calls',
    'call call unshare EPERM nested',
    `file execute ${home}/secret ENOENT private ${tmp}`,
  ])
    assert.ok(got.includes(line), `${line}\nis not in\n${got.join('\n')}`)
  assert.equal(own.filter(({ path }) => path === '/etc/hostname').length, 3)
  for (const { pid, time, verdict } of own) {
    assert.ok(Number.isInteger(pid) && pid !== 0)
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000)
    assert.equal(verdict, 'refused')
  }
})

test('what is allowed, or is nowhere, is no denial', { skip }, async () => {
  const rw = folder()
  const script = `
import os, socket, subprocess, sys
open(sys.argv[1] + '/a', 'w').write('x'); os.rename(sys.argv[1] + '/a', sys.argv[1] + '/b'); os.unlink(sys.argv[1] + '/b')
open('/tmp/own', 'w'); os.listdir('/etc'); os.kill(os.getpid(), 0); open('/proc/self/status').read(); open('/dev/null', 'w')
server = socket.create_server(('127.0.0.1', 0)); socket.create_connection(server.getsockname())
subprocess.run(['/bin/sh', '-c', 'exit 0 < /dev/stdin']); os.path.exists('/nowhere/at/all')
a, b = socket.socketpair(); a.sendmsg([b'x'])`
  const { denials, exitCode } = await denied(['/usr/bin/python3', '-I', '-S', '-c', script, rw], { rw: [rw] })
  assert.equal(exitCode, 0)
  assert.deepEqual(denials, [])
})

test('no way of writing a path passes the log by', { skip }, async () => {
  const home = folder()
  writeFileSync(join(home, 'secret'), '')
  const rw = join(home, 'rw')
  mkdirSync(rw)
  symlinkSync(join(home, 'secret'), join(rw, 'link'))
  symlinkSync('../..', join(rw, 'up'))
  const script = `
import ctypes, os, sys
home, rw = sys.argv[1:]
name = os.path.basename(home)
def attempt(path, **more):
    try: os.open(path, os.O_RDONLY, **more)
    except OSError: pass
os.chdir(rw)
ways = ['link', 'up/' + name + '/secret', '/proc/self/root' + home + '/secret', '/proc/self/cwd/../secret', '/proc/%d/root/%s/secret' % (os.getpid(), home),
  '/proc/self/fd/%d/../secret' % os.open(rw, os.O_PATH), '//' + home + '/./secret', '/proc/thread-self/root' + home + '/secret']
attempt(ways[int(sys.argv[0]) if sys.argv[0].isdigit() else 0])
for way in ways: attempt(way)
attempt('../secret', dir_fd=os.open(rw, os.O_RDONLY))`
  const { denials } = await denied(['/usr/bin/python3', '-I', '-S', '-c', script, home, rw], { rw: [rw] })
  const found = denials.filter(({ path }) => path === join(home, 'secret'))
  assert.equal(found[0]?.count, 10, JSON.stringify(denials))
})

test('names that steer terminals, look like lines or are no UTF-8 stay one line each', { skip }, async () => {
  const bytes = Buffer.from([0xff, 0xfe, 0x41])
  const script = `
import os
for name in [b'\\xff\\xfeA', b'a\\n{"kind":"forged"}', b'\\x1b[2J', '\\u202e\\u2028\\x9b'.encode()]:
    try: os.mkdir(b'/etc/' + name)
    except OSError: pass`
  const log = join(folder(), 'log')
  const { status, stderr } = spawnSync(
    usnea,
    ['--log-denials', log, '--', '/usr/bin/python3', '-I', '-S', '-c', script],
    {
      cwd: '/',
      encoding: 'utf8',
    },
  )
  assert.equal(status, 0, stderr)
  const text = readFileSync(log, 'utf8')
  const lines = text.split('\n').filter(Boolean)
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).path),
    ['/etc/\ufffd\ufffdA', '/etc/a\n{"kind":"forged"}', '/etc/\u001b[2J', '/etc/\u202e\u2028\u009b'],
  )
  assert.equal(JSON.parse(lines[0] ?? '').pathBase64, Buffer.concat([Buffer.from('/etc/'), bytes]).toString('base64'))
  for (const shown of [text, stderr]) assert.doesNotMatch(shown.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}]/u)
  assert.match(stderr, /denied: create \/etc\/a\\u000a\{"kind":"forged"\} \(read-only, by python3\)/)
})

test('a flood is counted and bounded, and hides nothing of another kind', { skip }, async () => {
  const script = `
import os, socket
def attempt(act, *words):
    try: act(*words)
    except OSError: pass
for _ in range(20000): attempt(os.mkdir, '/etc/same')
for n in range(6000): attempt(os.mkdir, '/etc/%d' % n)
attempt(socket.socket().connect, ('192.0.2.1', 80))`
  const { denials } = await denied(['/usr/bin/python3', '-I', '-S', '-c', script])
  assert.equal(denials.find(({ path }) => path === '/etc/same')?.count, 20_000)
  assert.equal(denials.filter(({ kind }) => kind === 'file').length, 4096)
  const lost = denials.filter(({ kind }) => kind === 'lost')
  assert.deepEqual(
    lost.map(({ action, count }) => [action, count]),
    [['file', 6000 - 4095]],
  )
  assert.equal(denials.find(({ kind }) => kind === 'network')?.address, '192.0.2.1')
})

test('long names are bounded by their bytes, and what is beyond is counted', { skip }, async () => {
  const script = `
import os
for n in range(4000):
    try: os.mkdir('/etc/%04d' % n + 'x' * 240)
    except OSError: pass`
  const { denials } = await denied(['/usr/bin/python3', '-I', '-S', '-c', script])
  const paths = denials.flatMap(({ kind, path }) => (kind === 'file' && path?.endsWith('xxx') ? [path] : []))
  const lost = denials.find(({ kind, action }) => kind === 'lost' && action === 'file')?.count ?? 0
  assert.equal(paths.length + lost, 4000)
  // each takes 80 bytes beside its name
  const bytes = paths.reduce((sum, path) => sum + 80 + path.length, 0)
  assert.ok(bytes <= 2 ** 20 && bytes > 2 ** 20 - 512, `${bytes} bytes`)
})

const pipesOf = (pid: number) =>
  descriptors(pid)
    .map((fd) => linkOf(pid, `fd/${fd}`))
    .filter((link) => link.startsWith('pipe:'))

/** Those that write to us: other tests have some at the same time. */
function observers(): string[] {
  const ours = new Set(pipesOf(process.pid))
  return readdirSync('/proc').filter((pid) => {
    try {
      const isOne = /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/comm`, 'utf8') === 'usnea-observe\n'
      return isOne && pipesOf(Number(pid)).some((pipe) => ours.has(pipe))
    } catch {
      return false
    }
  })
}

test('the observer keeps nothing that it does not need while it reads what a hostile command wrote', {
  skip: needs('root', 'userns') ?? false,
}, async () => {
  const before = new Set(observers())
  await using box = sandbox({ cwd: '/', denials: true })
  const command = box.spawn(['sh', '-c', 'cat /etc/hostname; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] })
  if (command.stdout) await once(command.stdout, 'data') // it has answered
  const [pid = ''] = observers().filter((one) => !before.has(one))
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const fields = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp', 'Threads']
  const fieldOf = (name: string, text = status) =>
    Number(`0x${new RegExp(`^${name}:\\s+(\\w+)$`, 'm').exec(text)?.[1]}`)
  assert.deepEqual(
    fields.map((name) => fieldOf(name)),
    [0, 0, 0, 0, 0, 1, 2, 1],
  )
  const ours = fieldOf('Seccomp_filters', readFileSync('/proc/self/status', 'utf8'))
  assert.equal(fieldOf('Seccomp_filters'), ours + 1)
  const links = descriptors(Number(pid)).map((fd) => `${fd} ${linkOf(Number(pid), `fd/${fd}`).replace(/\[\d+\]/, '')}`)
  assert.deepEqual([links[0], links[1]], ['0 anon_inode:seccomp notify', '1 pipe:'])
  for (const link of links.slice(2)) assert.match(link, /^\d+ \/$/, 'the root of the command')
  const limits = readFileSync(`/proc/${pid}/limits`, 'utf8')
  for (const name of ['core file size', 'file size', 'processes', 'locked memory'])
    assert.match(limits, new RegExp(`^Max ${name} +0 +0 `, 'm'))
  command.kill('SIGKILL')
  await command.exited
})

/** Waits for the moment when nobody listens, to answer its own calls. */
const usurper = `
import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
code = struct.pack('<HBBIHBBIHBBIHBBI', 0x20, 0, 0, 0, 0x15, 0, 1, 250, 6, 0, 0, 0x7fc00000, 6, 0, 0, 0x7fff0000)
filter = ctypes.create_string_buffer(code)
program = ctypes.create_string_buffer(struct.pack('<HxxxxxxQ', 4, ctypes.addressof(filter)))
os.write(1, b'on\\n')
while libc.syscall(317, 1, 8, program) < 0: pass
os.write(1, b'it listens\\n')
while True: pass
`

test('a command cannot take the place of its observer', { skip: needs('root', 'python3') ?? false }, async () => {
  const before = new Set(observers())
  await using box = sandbox({ cwd: '/', denials: true })
  const command = box.spawn(['python3', '-c', usurper], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  command.stdout?.on('data', (chunk: Buffer) => {
    said += chunk
  })
  await until('it runs', () => said.startsWith('on'))
  const [observer] = observers().filter((pid) => !before.has(pid))
  process.kill(Number(observer), 'SIGKILL')
  // nobody of us acts for a moment: whatever it does now, it does on its own
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
  await assert.rejects(command.exited, { code: 'denials-lost' })
  assert.equal(said, 'on\n')
})

test('an observer that is killed ends the command, and the run is an error', {
  skip: needs('root', 'userns') ?? false,
}, async () => {
  const before = new Set(observers())
  await using box = sandbox({ cwd: '/', denials: true })
  const script = 'echo on; while :; do cat /etc/hostname >/dev/null 2>&1 || echo refused; done'
  const command = box.spawn(['sh', '-c', script], { stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  command.stdout?.on('data', (chunk: Buffer) => {
    said += chunk
  })
  await until('it runs', () => said.startsWith('on'))
  const ours = observers().filter((pid) => !before.has(pid))
  assert.equal(ours.length, 1)
  process.kill(Number(ours[0]), 'SIGKILL')
  await assert.rejects(command.exited, { code: 'denials-lost' })
  await until('no observer is left', () => observers().every((pid) => before.has(pid)))
})

test('the log of a command lies where it may write, and is kept from it', { skip }, () => {
  const rw = folder()
  mkdirSync(join(rw, 'logs'))
  const script =
    'cat ~/.nothing; echo forged >> logs/d; rm -f logs/d; mv logs/d x; mv logs other; ln logs/d l; chmod 777 logs/d; mkdir /etc/x; true'
  const { status, stderr } = spawnSync(usnea, ['--rw', '.', '--log-denials', 'logs/d', '--', 'sh', '-c', script], {
    cwd: rw,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  assert.deepEqual(readdirSync(rw), ['logs', 'x'], 'a copy can be made of what can be read')
  const lines = readFileSync(join(rw, 'logs/d'), 'utf8').split('\n').filter(Boolean)
  assert.ok(lines.length > 3)
  for (const line of lines) assert.equal((JSON.parse(line) as Denial).verdict, 'refused')
  assert.match(stderr, /denied: create \/etc\/x \(read-only, by mkdir\)/)
  assert.match(stderr, /usnea suggest logs\/d/)
})

test('with - the lines go to standard error, and never into the output', { skip }, () => {
  const argv = ['--log-denials', '-', '--', 'sh', '-c', 'echo out; mkdir /etc/x 2>/dev/null; exit 3']
  const { status, stdout, stderr } = spawnSync(usnea, argv, { cwd: '/', encoding: 'utf8' })
  assert.deepEqual([status, stdout], [3, 'out\n'])
  const [line = ''] = stderr.split('\n')
  assert.equal((JSON.parse(line) as Denial).path, '/etc/x')
})

test('inside a sandbox that is watched a log cannot be had, which is an error; without one it runs', {
  skip: skip ?? whyNot('plain'),
}, async () => {
  await using world = await openWorld('plain')
  const installed = await runtimePath()
  const node = await reachableNode()
  const shown = ['--ro', dirname(dirname(installed)), '--ro', node, '--env', `USNEA_NODE=${node}`]
  const outer = [installed, '--nested', ...shown, '--log-denials', world.file('log', ''), '--']
  const watched = await world.run([...outer, installed, '--log-denials', '-', '--', '/bin/echo', 'ran'])
  assert.equal(watched.status, 125, watched.stderr)
  assert.match(watched.stderr, /cannot be watched.*already has a listener/)
  const plain = await world.run([...outer, installed, '--', '/bin/echo', 'ran'])
  assert.deepEqual([plain.status, plain.stdout], [0, 'ran\n'], plain.stderr)
})

test('refusals of the filter for hosts are in the same list, and listeners hear of each', { skip }, async () => {
  const heard: Denial[] = []
  await using box = sandbox({ cwd: '/', allowHosts: ['*.example.org'], netfilter: false })
  box.on('denial', (denial) => heard.push(denial))
  const script = `
import socket
for host in ['evil.invalid', '2001:db8::1']:
    try: socket.create_connection((host, 443), 5)
    except OSError: pass`
  const { denials = [] } = await box.run(['/usr/bin/python3', '-I', '-S', '-c', script])
  const network = denials.filter(({ kind }) => kind === 'network')
  assert.deepEqual(
    network.map(({ action, host, address, rule, reason }) => [action, host ?? address, rule, reason]),
    [
      ['dns', 'evil.invalid', 'allow-host', 'name-not-allowed'],
      ['connect', '2001:db8::1', 'allow-host', undefined],
    ],
  )
  assert.deepEqual(heard, denials)
})

test('IPv6 that the filter for hosts carries is no denial, whoever refuses it then', {
  skip: skip ?? (existsSync('/proc/net/if_inet6') ? false : 'needs IPv6'),
}, async () => {
  await using box = sandbox({ cwd: '/', denials: true, allowHosts: ['*.example.org', '[2600:1::6]:443'] })
  const script = `
import socket
for host in ['2600:1::5', 'fd00:ec2::254']:
    try: socket.create_connection((host, 443), 5)
    except OSError: pass
socket.socket(socket.AF_INET6, socket.SOCK_STREAM).bind(('::1', 0))`
  const { denials = [] } = await box.run(['/usr/bin/python3', '-I', '-S', '-c', script])
  assert.deepEqual(
    denials.filter(({ kind }) => kind === 'network').map(({ action, address, reason }) => [action, address, reason]),
    [
      ['tcp', '2600:1::5', 'address-not-known'],
      ['tcp', 'fd00:ec2::254', 'address-closed'],
    ],
  )
})

test('nobody watches where nobody asked', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const { denials } = await box.run(['sh', '-c', 'mkdir /etc/x 2>/dev/null || true'])
  assert.equal(denials, undefined)
  assert.ok(!box.plan(['true']).ops.some(({ op }) => op === 'observe'))
})
