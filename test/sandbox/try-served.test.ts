/** What fuse-overlayfs serves to a command: chosen where the kernel refuses, and read as it was written. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sandbox } from '../../src/sandbox/index.ts'
import { whyNot } from '../fixtures/as.ts'
import { needs } from '../fixtures/needs.ts'
import { holders, inMounts, wrapServer } from '../fixtures/served.ts'
import { describeTree, openTrial, type Trial } from '../fixtures/trying.ts'
import { openWorld } from '../fixtures/world.ts'

const skip = needs('userns', 'fuse-overlayfs') ?? false
const asRoot = skip || (needs('root') ?? false)
const served = ['--backend', 'fuse-overlayfs'] as const

/** As the kernel's on kernels that have no whiteouts for users (before 5.8). */
const withoutDevices = ['export FUSE_OVERLAYFS_DISABLE_OVL_WHITEOUT=1']

function succeed(trial: Trial, ...args: string[]): string {
  const { status, stdout, stderr } = trial.usnea(...args)
  assert.equal(status, 0, stderr)
  return stdout
}

const described = (trial: Trial) => [...trial.diff()].map(([path, { change }]) => `${path} ${change}`)

for (const [kind, mount] of [
  [
    'an overlay itself',
    'mkdir FOLDER/../l FOLDER/../u FOLDER/../w; mount -t overlay -o lowerdir=FOLDER/../l,upperdir=FOLDER/../u,workdir=FOLDER/../w none STATE',
  ],
  ['a file system without attributes', 'mount -t ramfs none STATE; chmod 0700 STATE'],
] as const)
  test(`where the layer would lie on ${kind} it is served, which is told, and the changes are known and applied`, {
    skip: asRoot,
  }, () => {
    const trial = openTrial()
    for (const name of ['changed', 'removed', 'tree/deep', 'gone-meanwhile']) trial.write(name, `${name}\n`)
    mkdirSync(trial.state)
    const { status, said } = inMounts(trial, [
      mount,
      // the host removes what the command changes while it runs
      'mkfifo FOLDER/../go',
      'usnea try --layer one -- sh -ec "echo more >> changed; rm removed; rm -r tree; mkdir tree; echo new > tree/new; echo more >> gone-meanwhile; touch made; read go" < FOLDER/../go & exec 3> FOLDER/../go',
      'n=0; until test -e STATE/usnea/layers/one/0/served/upper/made; do n=$((n+1)); test $n -lt 600; sleep 0.1; done',
      'rm FOLDER/gone-meanwhile; echo go >&3; wait $!',
      'usnea layers show one',
      'usnea diff --layer one --json > FOLDER/../changes.json',
      'usnea apply --layer one changed removed tree',
    ])
    assert.equal(status, 0, said)
    assert.match(said, /no overlay: .*; fuse-overlayfs serves the directories/)
    assert.match(said, /backend +fuse-overlayfs \(no overlay: /)
    const { changes } = JSON.parse(readFileSync(join(trial.folder, '../changes.json'), 'utf8'))
    const shown = (changes as { path: string; change: string; conflict?: string }[]).map(
      ({ path, change, conflict }) =>
        `${path.slice(trial.folder.length + 1)} ${change}${conflict ? ` (${conflict})` : ''}`,
    )
    assert.deepEqual(shown, [
      'changed changed',
      'gone-meanwhile added (the host removed it while the command ran)',
      'made added',
      'removed removed',
      'tree/deep removed',
      'tree/new added',
    ])
    assert.deepEqual(
      describeTree(trial.folder).map((line) => line.split(' ')[0]),
      ['changed', 'tree', 'tree/new'],
    )
    assert.equal(trial.read('changed'), 'changed\nmore\n')
  })

const fill = (trial: Trial) => {
  for (const name of ['gone', 'kept', 'dir/one', 'dir/two', 'over/one', 'tree/a', 'tree/b/c'])
    trial.write(name, `${name}\n`)
  symlinkSync('gone', join(trial.folder, 'link'))
}
const changes = [
  'rm gone; mv kept moved; rm link; ln -s moved link',
  'rm -r dir; mkdir dir; echo new > dir/two',
  'rm over/one; echo more > over/more; chmod 0711 over',
  'rm -r tree; echo file > tree',
]

for (const [kind, lines] of [
  ['devices', []],
  ['files', withoutDevices],
] as const)
  test(`with ${kind} for whiteouts: commands stack, paths are applied alone, and then the rest`, { skip }, () => {
    const [trial, measure] = [openTrial(), openTrial()]
    wrapServer(trial, lines)
    for (const one of [trial, measure]) fill(one)
    const before = describeTree(trial.folder)
    for (const line of changes) trial.try(line, '--layer', 'stack', ...(line === changes[0] ? served : []))
    assert.deepEqual(describeTree(trial.folder), before)
    for (const line of changes) assert.equal(spawnSync('sh', ['-ec', line], { cwd: measure.folder }).status, 0)
    const upper = readdirSync(join(trial.state, 'usnea/layers/stack/0/served/upper'))
    assert.equal(upper.includes('.wh.gone'), kind === 'files', upper.join(' '))
    assert.deepEqual(described(trial), [
      'dir/one removed',
      'dir/two changed',
      'gone removed',
      'link changed',
      'moved renamed',
      'over changed',
      'over/more added',
      'over/one removed',
      'tree changed',
      'tree/a removed',
      'tree/b removed',
      'tree/b/c removed',
    ])
    succeed(trial, 'apply', 'dir', 'gone')
    assert.equal(trial.read('dir/two'), 'new\n')
    assert.ok(!described(trial).some((line) => line.startsWith('dir') || line.startsWith('gone')))
    // What was applied is the host's again, also below a directory that hid it.
    trial.write('dir/later', 'host\n')
    trial.write('gone', 'again\n')
    trial.try('cat dir/later gone > seen; test ! -e over/one', '--layer', 'stack')
    succeed(trial, 'apply', 'seen')
    assert.equal(trial.read('seen'), 'host\nagain\n')
    for (const name of ['seen', 'dir/later', 'gone']) rmSync(join(trial.folder, name))
    succeed(trial, 'apply')
    assert.deepEqual(describeTree(trial.folder), describeTree(measure.folder))
  })

test('names that fuse-overlayfs takes for its own: files of the host stay, and what was hidden by them is a conflict', {
  skip,
}, () => {
  const trial = openTrial()
  for (const name of ['.wh.file', 'file', 'dir/.wh.x', 'dir/y', 'quiet/.wh..wh..opq', 'quiet/z', 'other'])
    trial.write(name, `${name}\n`)
  trial.try('rm -r dir; echo mine > file; echo more >> quiet/z; echo more >> other; ! touch .wh.made', ...served)
  const found = trial.diff()
  assert.deepEqual([...found.keys()], ['dir', 'dir/.wh.x', 'dir/y', 'file', 'other', 'quiet/z'])
  for (const name of ['dir/.wh.x', 'file']) assert.match(String(found.get(name)?.conflict), /could not see it/, name)
  for (const name of ['dir/y', 'quiet/z', 'other']) assert.equal(found.get(name)?.conflict, undefined, name)
  assert.equal(trial.usnea('apply').status, 1)
  succeed(trial, 'apply', 'other', 'quiet')
  for (const name of ['.wh.file', 'file', 'dir/.wh.x']) assert.equal(trial.read(name), `${name}\n`)
})

test('two folders with a filtered network and an observer: each gets what is its own', { skip }, () => {
  const trial = openTrial()
  trial.write('one/file', 'one\n')
  trial.write('two/file', 'two\n')
  trial.try(
    `cd ${trial.folder}; echo more >> one/file; rm two/file; mount -t tmpfs none /mnt 2>/dev/null || true`,
    ...[
      '--dir',
      'one',
      '--dir',
      'two',
      '--allow-host',
      'example.org:443',
      '--log-denials',
      join(trial.folder, '../denials'),
      ...served,
    ],
  )
  assert.match(readFileSync(join(trial.folder, '../denials'), 'utf8'), /"mount"/)
  assert.deepEqual(described(trial), ['one/file changed', 'two/file removed'])
  succeed(trial, 'apply')
  assert.deepEqual(readdirSync(join(trial.folder, 'two')), [])
})

test('as a plain user: files closed to their owner, modes, and files of others', {
  skip: skip || (whyNot('plain') ?? false),
}, async () => {
  await using world = await openWorld('plain')
  const { home, user } = world.identity
  const [cwd, state] = [join(home, 'work'), join(home, 'layers')]
  for (const path of [cwd, state]) {
    mkdirSync(path)
    chownSync(path, user.uid, user.gid)
  }
  for (const [name, mode] of [
    ['shut', 0o600],
    ['read', 0o444],
    ['plain', 0o640],
  ] as const)
    world.file(`work/${name}`, `${name}\n`, mode)
  const call = (...args: string[]) => world.usnea(args, { cwd, env: { XDG_STATE_HOME: state, PATH: '/usr/bin:/bin' } })
  const script =
    'mkdir -p a/b; echo x > a/b/f; chmod 0 a/b/f a/b a; touch -d 2001-01-01 read; chmod 0200 shut; echo y >> shut; mv plain moved; stat -c %u:%g moved read /etc/passwd'
  const tried = await call('try', ...served, '--', 'sh', '-ec', script)
  assert.equal(tried.status, 0, tried.stderr)
  const own = `${user.uid}:${user.gid}`
  assert.deepEqual(tried.stdout.trim().split('\n'), [own, own, '65534:65534'])
  const diff = await call('diff', '--json')
  const shown = (JSON.parse(diff.stdout).changes as { path: string; differs: string[] }[]).map(({ path, differs }) =>
    [path.slice(cwd.length + 1), ...differs].join(' '),
  )
  assert.deepEqual(shown, ['a', 'a/b', 'a/b/f', 'moved', 'shut content mode'])
  const applied = await call('apply')
  assert.equal(applied.status, 0, applied.stderr)
  assert.equal(lstatSync(join(cwd, 'a')).mode & 0o777, 0)
  assert.equal(lstatSync(join(cwd, 'shut')).mode & 0o777, 0o200)
  assert.equal(lstatSync(join(cwd, 'moved')).mode & 0o777, 0o640)
})

test('in the library: the same layer again and again, a second command at once is refused, and a kill ends the server', {
  skip,
}, async () => {
  const trial = openTrial()
  trial.write('file', 'x\n')
  const before = process.env.XDG_STATE_HOME
  process.env.XDG_STATE_HOME = trial.state
  try {
    const layer = { name: 'lib', dirs: [trial.folder], backend: 'fuse-overlayfs' } as const
    await using box = sandbox({ layer, cwd: trial.folder })
    assert.deepEqual(box.layer, { name: 'lib', folders: [trial.folder], backend: 'fuse-overlayfs' })
    for (const word of ['one', 'two', 'three']) await box.run(['sh', '-c', `echo ${word} >> file`])
    const running = box.spawn(['sh', '-c', 'echo ready; exec sleep 1000'])
    await once(running.stdout ?? process.stdin, 'data')
    assert.throws(() => box.spawn(['true']), /in use/)
    running.kill('SIGKILL')
    assert.equal((await running.exited.catch((error) => error)).signal, 'SIGKILL')
    assert.deepEqual(holders(trial), [])
    assert.deepEqual(
      (await box.diff()).map(({ path, change }) => `${path.slice(trial.folder.length)} ${change}`),
      ['/file changed'],
    )
    await box.apply()
    assert.equal(trial.read('file'), 'x\none\ntwo\nthree\n')
    await box.discard()
  } finally {
    if (before === undefined) delete process.env.XDG_STATE_HOME
    else process.env.XDG_STATE_HOME = before
  }
  assert.throws(() => sandbox({ layer: { backend: 'fuse' as 'copy' } }), /none of overlay, fuse-overlayfs, copy/)
})
