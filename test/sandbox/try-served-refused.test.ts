/** fuse-overlayfs that cannot be had, or stops: said with cause and fix, and nothing hangs or is left. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { needs } from '../fixtures/needs.ts'
import { eventually, holders, inMounts, serversOf, wrapServer } from '../fixtures/served.ts'
import { openTrial, type Trial } from '../fixtures/trying.ts'

const asRoot = needs('userns', 'fuse-overlayfs', 'root') ?? false
const usnea = fileURLToPath(new URL('../../bin/usnea', import.meta.url))
const served = ['--backend', 'fuse-overlayfs'] as const

const described = (trial: Trial) => [...trial.diff()].map(([path, { change }]) => `${path} ${change}`)

const refusals: readonly (readonly [what: string, prepare: string, words: RegExp])[] = [
  ['there is no program', 'PATH=/nowhere', /fuse-overlayfs is not installed; fix: install it/],
  [
    'there is no device',
    'mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3',
    /cannot open \/dev\/fuse: no such file .*modprobe fuse/,
  ],
  [
    'the device is something else',
    'mount --bind /dev/null /dev/fuse',
    /cannot mount for fuse-overlayfs: invalid argument/,
  ],
  [
    'something is mounted below',
    'mount -t tmpfs none FOLDER/below',
    /in which something is mounted; cause: .*below is a mount/,
  ],
]

for (const [what, prepare, words] of refusals)
  test(`asked for where ${what}: an error that says so, and nothing is run or left`, { skip: asRoot }, () => {
    const trial = openTrial()
    mkdirSync(join(trial.folder, 'below'))
    const { status, said } = inMounts(trial, [
      prepare,
      `if usnea try ${served.join(' ')} -- touch FOLDER/ran; then exit 1; fi`,
      'test ! -e FOLDER/ran',
    ])
    assert.equal(status, 0, said)
    assert.match(said, words)
    assert.deepEqual(readdirSync(join(trial.state, 'usnea/layers')), [])
    assert.deepEqual(holders(trial), [])
  })

test('what is mounted in the folder after the layer was made is not served', { skip: asRoot }, () => {
  const trial = openTrial()
  mkdirSync(join(trial.folder, 'below'))
  const { status, said } = inMounts(trial, [
    `usnea try --layer whole ${served.join(' ')} -- touch mine`,
    'mount -t tmpfs none FOLDER/below; echo SECRET > FOLDER/below/file',
    'if usnea try --layer whole -- cat below/file; then exit 1; fi',
    'usnea diff --layer whole --name-only',
    'umount FOLDER/below; usnea try --layer whole -- ls',
  ])
  assert.equal(status, 0, said)
  assert.match(said, /in which something is mounted; cause: .*below is a mount/)
  assert.doesNotMatch(said, /SECRET/)
  assert.match(said, /work\/mine$/m)
})

test('a server that does not start is an error with its words, and auto takes the next way', { skip: asRoot }, () => {
  const trial = openTrial()
  trial.write('file', 'x\n')
  wrapServer(trial, ['echo broken today >&2', 'exit 3'])
  const { status, stderr } = trial.usnea('try', ...served, '--', 'true')
  assert.equal(status, 125)
  assert.match(stderr, /fuse-overlayfs for .* ended with 3: broken today/)
  mkdirSync(trial.state, { recursive: true })
  const { said } = inMounts(trial, [
    'mount -t ramfs none STATE; chmod 0700 STATE',
    'usnea try -- sh -c "echo y > file"',
  ])
  assert.match(said, /no overlay: .*\n.*no fuse-overlayfs: .*the directories are copied/)
  assert.match(said, /\(copy\): 1 changed/)
})

test('a server that dies while the command runs: the command hears of it, and so do we', { skip: asRoot }, async () => {
  const trial = openTrial()
  trial.write('file', 'x\n')
  const script = 'echo y > new; echo ready; while cat file > /dev/null; do sleep 0.1; done; exit 7'
  const child = spawn(usnea, ['try', '--layer', 'died', ...served, '--', 'sh', '-c', script], {
    cwd: trial.folder,
    env: trial.env,
  })
  const said: Buffer[] = []
  child.stderr.on('data', (bytes: Buffer) => said.push(bytes))
  await once(child.stdout, 'data')
  for (const pid of serversOf(trial)) process.kill(pid, 'SIGKILL')
  const [status] = await once(child, 'close')
  assert.equal(status, 7)
  assert.match(Buffer.concat(said).toString(), /fuse-overlayfs for .* ended by signal 9/)
  assert.deepEqual(described(trial), ['new added'])
})

test('a server that answers no more does not keep a command beyond its time', { skip: asRoot }, async () => {
  const trial = openTrial()
  trial.write('file', 'x\n')
  const child = spawn(
    usnea,
    ['try', '--timeout', '8', ...served, '--', 'sh', '-c', 'echo ready; sleep 1; ls -l; exec cat file'],
    {
      cwd: trial.folder,
      env: trial.env,
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  await once(child.stdout, 'data')
  child.stdout.resume()
  for (const pid of serversOf(trial)) process.kill(pid, 'SIGSTOP')
  const started = Date.now()
  const [status] = await once(child, 'close')
  assert.equal(status, 124)
  assert.ok(Date.now() - started < 30_000)
  await eventually(
    () => holders(trial),
    (pids) => pids.length === 0,
    'the end of the server',
  )
})
