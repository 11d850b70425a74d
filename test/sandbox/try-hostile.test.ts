/** A layer was written by a hostile program: nothing of it leads outside, acts in silence, or steers a terminal. */
import assert from 'node:assert/strict'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { needs } from '../fixtures/needs.ts'
import { backends, openTrial } from '../fixtures/trying.ts'

const skip = needs('userns') ?? false

test('links in the layer and on the host lead apply nowhere', { skip }, () => {
  const trial = openTrial()
  const outside = join(trial.folder, '..', 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'file'), 'outside\n')
  for (const name of ['swapped/file', 'dir/file', 'plain']) trial.write(name, 'x\n')
  trial.try(
    'echo y > swapped/file; rm -r dir; ln -s ../outside dir; ln -s ../outside/file new; rm plain; ln -s ../outside/file plain',
  )
  // The host's directory becomes a link to elsewhere before it is applied.
  renameSync(join(trial.folder, 'swapped'), join(trial.folder, 'away'))
  symlinkSync('../outside', join(trial.folder, 'swapped'))
  assert.match(trial.usnea('apply').stderr, /swapped/)
  const { status } = trial.usnea('apply', 'dir', 'new', 'plain')
  assert.equal(status, 0)
  trial.usnea('apply', '--force')
  assert.deepEqual(readdirSync(outside), ['file'])
  assert.equal(readFileSync(join(outside, 'file'), 'utf8'), 'outside\n')
  assert.ok(lstatSync(join(trial.folder, 'dir')).isSymbolicLink())
})

test('a file of the layer that was swapped for a link behind our back is not read through it', { skip }, () => {
  const trial = openTrial()
  trial.write('file', 'x\n')
  trial.try('echo y > file', '--layer', 'swap')
  const upper = join(trial.state, 'usnea/layers/swap/0/upper')
  renameSync(upper, `${upper}.away`)
  symlinkSync('/etc', upper)
  assert.notEqual(trial.usnea('diff').status, 0)
  assert.notEqual(trial.usnea('apply').status, 0)
  assert.equal(trial.read('file'), 'x\n')
})

test('pipes and sockets are refused by name, and the rest may be applied', {
  skip: skip || (needs('python3') ?? false),
}, () => {
  const trial = openTrial()
  trial.try(`mkfifo pipe; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")'; echo x > file`)
  const { status, stderr } = trial.usnea('apply')
  assert.equal(status, 1)
  assert.match(stderr, /pipe \(it is a named pipe\).*sock \(it is a socket\)/)
  assert.ok(!existsSync(join(trial.folder, 'file')))
  assert.equal(trial.usnea('apply', '--skip-refused').status, 0)
  assert.deepEqual(readdirSync(trial.folder), ['file'])
})

test('what others run by themselves, and setuid, is applied by name only', { skip }, () => {
  const trial = openTrial()
  mkdirSync(join(trial.folder, '.git/hooks'), { recursive: true })
  trial.try(
    'echo x > .git/hooks/pre-commit; echo x > .bashrc; mkdir -p sub/.GitHub/workflows; echo x > sub/.GitHub/workflows/ci.yml; cp /bin/true s; chmod 4755 s; echo x > fine',
  )
  const changes = trial.diff()
  for (const name of ['.git/hooks/pre-commit', '.bashrc', 'sub/.GitHub/workflows/ci.yml', 's'])
    assert.equal(typeof changes.get(name)?.danger, 'string', name)
  assert.equal(trial.usnea('apply').status, 1)
  assert.equal(trial.usnea('apply', '.').status, 1, 'a directory around does not name it')
  assert.equal(trial.usnea('apply', '.git/hooks', 's').status, 0)
  assert.ok(existsSync(join(trial.folder, '.git/hooks/pre-commit')))
  assert.equal(lstatSync(join(trial.folder, 's')).mode & 0o7777, 0o4755)
  assert.equal(trial.usnea('apply', '--skip-refused').status, 0)
  assert.ok(existsSync(join(trial.folder, 'fine')) && !existsSync(join(trial.folder, '.bashrc')))
  assert.deepEqual([...trial.diff().keys()].sort(), [
    '.bashrc',
    'sub/.GitHub/workflows',
    'sub/.GitHub/workflows/ci.yml',
  ])
})

test('names and texts steer no terminal', { skip }, () => {
  const trial = openTrial()
  trial.try(
    String.raw`n=$(printf 'a\033]0;title\007b'); printf 'line\033[2J\302\233 \342\200\256x\n' > "$n"; ln -s "$n" link; echo x > "$(printf 'bad\377')"`,
  )
  for (const args of [['diff'], ['diff', '--stat'], ['diff', '--name-only'], ['apply', 'nothing']]) {
    const { stdout, stderr } = trial.usnea(...args)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones that must not come
    assert.doesNotMatch(stdout + stderr, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e\ufffd]/)
  }
  assert.match(trial.usnea('diff').stdout, /a\\x1b\]0;title\\x07b[\s\S]*\+line\\x1b\[2J/)
  assert.match(trial.usnea('diff', '--name-only').stdout, /bad\\xff\n/)
  assert.equal(trial.usnea('apply').status, 0)
  assert.ok(readdirSync(trial.folder, { encoding: 'latin1' }).includes('bad\xff'))
})

test('a tree that is deeper than any path is told, and can be discarded', {
  skip: skip || (needs('python3') ?? false),
}, () => {
  const trial = openTrial()
  trial.try(`python3 -c '
import os
for n in range(60):
    os.mkdir("d" * 200); os.chdir("d" * 200)
'; echo x > file`)
  assert.match(trial.usnea('diff').stdout, /longer than the system takes: never applied/)
  assert.equal(trial.usnea('apply', 'file').status, 0)
  assert.equal(trial.usnea('apply').status, 1)
  assert.equal(trial.usnea('discard').status, 0)
  assert.deepEqual(readdirSync(join(trial.state, 'usnea/layers')), [])
})

test('the command reaches neither its layer nor the host around it', { skip }, () => {
  const trial = openTrial()
  trial.write('file', 'x\n')
  const layers = join(trial.state, 'usnea/layers')
  trial.try(
    `echo y > file; ! echo x > ${layers}/mine/0/upper/planted; touch ${trial.folder}/../beside`,
    '--layer',
    'mine',
  )
  assert.deepEqual([...trial.diff().keys()], ['file'])
  assert.ok(!existsSync(join(trial.folder, '../beside')))
  assert.equal(trial.usnea('try', '--layer', 'mine', '--rw', trial.state, '--', 'true').status, 125)
})

// a copy has no marks
for (const { name: backend, skip: skipped } of backends.filter(({ name }) => name !== 'copy'))
  test(`${backend}: the marks of an overlay cannot be made from inside: nothing is hidden, removed or taken from elsewhere by them`, {
    skip: skipped || (needs('python3') ?? false),
  }, () => {
    const trial = openTrial()
    for (const name of ['dir/kept', 'other/kept', 'changed']) trial.write(name, `${name}\n`)
    trial.try(
      `python3 -c '
import os
def attempt(act):
    try: act()
    except OSError: pass
open("fake", "w").close()
open("changed", "a").write("more\\n")
for prefix in ("user.overlay.", "user.fuseoverlayfs.", "trusted.overlay.", "user.overlay.overlay."):
    for file, mark, value in (("dir", "opaque", b"y"), ("other", "opaque", b"x"), ("other", "redirect", b"/etc"), ("fake", "whiteout", b""),
        ("fake", "origin", b"x"), ("fake", "metacopy", b""), ("changed", "whiteout", b"")):
        attempt(lambda: os.setxattr(file, prefix + mark, value))
    attempt(lambda: os.removexattr("changed", prefix + "origin"))
for name in ("dir/kept", "null"): attempt(lambda: os.mknod(name + "0", 0o020600, os.makedev(0, 0)))
for name in (".wh.dir", "dir/.wh..wh..opq"): attempt(lambda: open(name, "w").close())
'`,
      '--layer',
      'marks',
      '--backend',
      backend,
    )
    const changes = trial.diff()
    const removed = [...changes].filter(([, { change }]) => change === 'removed')
    assert.deepEqual(removed, [])
    assert.deepEqual([...changes.keys()].filter((path) => path !== 'dir' && path !== 'other').sort(), [
      // fuse-overlayfs makes no file with a name that is a mark
      ...(backend === 'fuse-overlayfs' ? ['changed', 'fake'] : ['.wh.dir', 'changed', 'dir/.wh..wh..opq', 'fake']),
    ])
    assert.equal(trial.usnea('apply').status, 0)
    assert.deepEqual(['dir/kept', 'other/kept', 'changed'].map(trial.read), [
      'dir/kept\n',
      'other/kept\n',
      'changed\nmore\n',
    ])
    assert.equal(trial.read('fake'), '')
  })
