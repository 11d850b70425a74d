/** Level L: what it does where no user namespace can be had, what it refuses in words, and how its tree ends. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { needs } from '../fixtures/needs.ts'
import { refusing } from '../fixtures/refusing.ts'
import { until } from '../fixtures/until.ts'

const skip = needs('python3') ?? false
const usnea = fileURLToPath(new URL('../../bin/usnea', import.meta.url))
const library = fileURLToPath(new URL('../../dist/lib/index.js', import.meta.url))
const place = realpathSync(mkdtempSync(join(tmpdir(), 'usnea-level-l-')))
chmodSync(place, 0o755)
after(() => rmSync(place, { recursive: true, force: true }))

function run(args: readonly string[]) {
  const [file = '', ...rest] = refusing([usnea, ...args])
  const { status, stdout, stderr } = spawnSync(file, rest, { cwd: '/', encoding: 'utf8' })
  return { status, stdout: stdout.trim(), stderr: stderr.trim() }
}

const atL = (...args: string[]) => run(['--min-level', 'L', ...args])

function folder(name: string): string {
  mkdirSync(join(place, name))
  return join(place, name)
}

test('without being asked for, level L is not taken, and the error names it', { skip }, () => {
  const { status, stdout, stderr } = run(['--', 'echo', 'ran'])
  assert.deepEqual([status, stdout], [125, ''])
  assert.match(stderr, /cannot create a user namespace.*--min-level L/)
})

test('it runs, reads the system, writes where it may, and nowhere else', { skip }, () => {
  const rw = folder('rw')
  const script = `cat /etc/hostname >/dev/null && echo read; echo x > ${rw}/made && cat ${rw}/made; echo x > ${place}/made; ls /tmp; mkdir ${rw}/d && mv ${rw}/made ${rw}/d/ && rm -r ${rw}/d && echo gone`
  const { stdout, stderr } = atL('--accept', 'protect', '--rw', rw, '--', 'sh', '-c', script)
  assert.deepEqual(stdout.split('\n'), ['read', 'x', 'gone'])
  assert.equal(stderr.match(/Permission denied/g)?.length, 2, stderr)
})

test('what is hidden or denied in a readable place is closed, and what is around it is not', { skip }, () => {
  const ro = folder('ro')
  mkdirSync(join(ro, 'in'))
  for (const name of ['a', 'b', 'in/c', 'in/d']) writeFileSync(join(ro, name), name)
  const { stdout, stderr } = atL(
    '--ro',
    ro,
    '--hide',
    join(ro, 'b'),
    '--deny',
    join(ro, 'in/d'),
    '--',
    'sh',
    '-c',
    `cd ${ro}; cat a b in/c in/d`,
  )
  assert.equal(stdout, 'ain/c')
  assert.equal(stderr.match(/Permission denied/g)?.length, 2, stderr)
})

const refusals: [string, RegExp, ...string[]][] = [
  ['another place', /cannot appear at \/x/, '--ro', '/etc:/x'],
  [
    'hiding in a writable directory',
    /lies in .*, which is writable/,
    '--accept',
    'protect',
    '--rw',
    place,
    '--hide',
    join(place, '*'),
  ],
  ['what is dangerous in a writable directory', /protect: .* cannot be read-only/, '--rw', place],
  [
    'read-only in a writable directory',
    /cannot be read-only in/,
    '--accept',
    'protect',
    '--rw',
    '/opt',
    '--ro',
    '/opt/.',
  ],
  ['namespaces inside', /nested: level L/, '--nested'],
  ['allowed hosts', /level L has none/, '--allow-host', 'example.org'],
  ['programs of 32 bits', /32-bit: /, '--accept', '32-bit'],
]
for (const [what, words, ...args] of refusals)
  test(`${what} is refused in words`, { skip }, () => {
    writeFileSync(join(place, 'something'), '')
    const { status, stderr } = atL(...args, '--', 'true')
    assert.equal(status, 125, stderr)
    assert.match(stderr, words)
  })

test('parts that only namespaces give cannot be required', { skip }, () => {
  const { stderr } = atL('--require', 'userns,netns,pidns,proc', '--', 'true')
  for (const part of ['userns', 'netns', 'pidns', 'proc']) assert.match(stderr, new RegExp(`${part}: [^;]*level L`))
  assert.equal(atL('--require', 'seccomp', '--', 'true').status, 0)
})

const pythonConnect = (port: number) =>
  `import socket\ntry:\n s = socket.create_connection(('127.0.0.1', ${port}), 3); print(s.recv(9).decode())\nexcept OSError as e: print(e.errno)`

test('with ports only these are open, there and at other levels', { skip }, async () => {
  const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const ask = async (argv: readonly string[], allowed: number) => {
    const [file = '', ...rest] = argv
    const args = [
      ...rest,
      '--net',
      'host',
      '--connect',
      String(allowed),
      '--',
      '/usr/bin/python3',
      '-c',
      pythonConnect(port),
    ]
    const child = spawn(file, args, { cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk) => chunks.push(chunk))
    await once(child, 'close')
    return Buffer.concat(chunks).toString().trim()
  }
  for (const argv of [refusing([usnea, '--min-level', 'L']), [usnea]]) {
    assert.equal(await ask(argv, port), 'hello')
    assert.equal(await ask(argv, port === 443 ? 444 : 443), '13')
  }
  server.close()
})

/** Processes with this argument, and not the ones that name it in a script. */
const pidsOf = (marker: string): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(`sleep\0${marker}\0`)
    } catch {
      return false
    }
  })

/** Three generations, one of which has asked for a session of its own. */
const family = (marker: string) =>
  `(setsid sleep ${marker} &) ; (sleep ${marker} & exec sleep ${marker}) & sleep ${marker}`

test('a time-out ends the whole tree', { skip }, () => {
  const marker = `${7_000_000 + process.pid}`
  const { status } = atL('--timeout', '300ms', '--', 'sh', '-c', family(marker))
  assert.equal(status, 124)
  assert.deepEqual(pidsOf(marker), [])
})

test('kill -9 of usnea ends the whole tree', { skip }, async () => {
  const marker = `${8_000_000 + process.pid}`
  const [file = '', ...rest] = refusing([usnea, '--min-level', 'L', '--', 'sh', '-c', family(marker)])
  const child = spawn(file, rest, { cwd: '/', stdio: 'ignore' })
  await until('all of it runs', () => pidsOf(marker).length === 4)
  child.kill('SIGKILL')
  await until('all of it is gone', () => pidsOf(marker).length === 0)
})

test('the library runs, cancels and keeps sandboxes warm there, and tells the level', { skip }, () => {
  const script = `
    import { sandbox } from '${library}'
    const box = sandbox({ minLevel: 'L', cwd: '/' }, { warm: 1 })
    await box.ready()
    for (let i = 0; i < 3; i++) {
      const { stdout, level } = await box.run(['sh', '-c', 'echo ' + i])
      console.log(level, stdout)
    }
    const slow = await box.run(['sh', '-c', 'sleep 100 & sleep 100'], { timeout: 200, reject: false })
    console.log(slow.timedOut, box.degradations.length > 3)
    await box[Symbol.asyncDispose]()`
  const [file = '', ...rest] = refusing([process.execPath, '--input-type=module', '-e', script])
  const { stdout, stderr } = spawnSync(file, rest, { cwd: '/', encoding: 'utf8' })
  assert.equal(stdout, 'L 0\nL 1\nL 2\ntrue true\n', stderr)
})
