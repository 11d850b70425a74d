/** What is rare in a tree, and what goes wrong on the way: with every backend the host ends up as the command left it, or as it was. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readXattrs, writeXattr } from '../../src/kernel/trees.ts'
import { needs } from '../fixtures/needs.ts'
import { backends, describeTree, openTrial, type Trial } from '../fixtures/trying.ts'

const skip = needs('userns', 'python3') ?? false
const asRoot = needs('userns', 'python3', 'root') ?? false

const python = (program: string) => `python3 - <<'PROGRAM'\n${program}\nPROGRAM`

/** Runs the same program where it counts at once. */
function really(folder: string, program: string): void {
  const { status, stderr } = spawnSync('python3', ['-'], { cwd: folder, input: program, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}

function succeed(trial: Trial, ...args: string[]): void {
  const { status, stderr } = trial.usnea(...args)
  assert.equal(status, 0, stderr)
}

/** Bytes of a name that may be removed: fuse-overlayfs needs room for a mark in front of it. */
const longest = { overlay: 255, 'fuse-overlayfs': 251, copy: 255 }

/** The host before, and what a command does to it. */
const oddHost = `
import os, socket
os.mkdir("dir"); long = "l" * LONGEST
for name in (b"new\\nline", b"bad\\xff\\xfe", long.encode(), b"dir/\\xe2\\x80", b" ", b"-rf", b"back\\\\slash"):
    open(name, "wb").write(name + b"\\n")
os.mkfifo("fifo"); os.mkfifo("fifo-to-file"); socket.socket(socket.AF_UNIX).bind("sock")
open("acl", "w").close(); os.mkdir("acls")
`
const oddCommand = `
import os, struct
long = "l" * LONGEST
open(b"new\\nline", "ab").write(b"more\\n"); os.rename(b"bad\\xff\\xfe", b"dir/worse\\xff\\n"); os.unlink(b"dir/\\xe2\\x80")
os.rename(long, "m" * LONGEST); os.mkdir(long); open(long + "/" + "n" * LONGEST, "w").write("deep\\n")
open(b" ", "ab").write(b"x"); os.unlink(b"-rf"); os.mkdir(b"\\xf0\\x9f"); open(b"\\xf0\\x9f/\\n", "wb").close()
for name in ("fifo", "fifo-to-file"): os.path.lexists(name) and os.unlink(name)
try: os.path.lexists("sock") and os.unlink("sock")
except OSError as error:
    if error.errno != 6: raise
open("fifo-to-file", "w").write("file\\n")
def acl(user): return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in
    ((1, 6, 0xffffffff), (2, 4, user), (4, 4, 0xffffffff), (16, 4, 0xffffffff), (32, 0, 0xffffffff)))
try:
    os.setxattr("acl", "system.posix_acl_access", acl(os.getuid()))
    os.setxattr("acls", "system.posix_acl_default", acl(os.getuid()))
except OSError as error:
    if error.errno != 95: raise
with open("sparse", "wb") as f: f.truncate(4 << 30); f.seek(3 << 30); f.write(b"middle")
`

for (const { name: backend, skip: skipped } of backends)
  test(`${backend}: odd names, ACLs, holes, pipes and sockets`, { skip: skip || skipped }, () => {
    const [trial, measure] = [openTrial(), openTrial()]
    const [before, command] = [oddHost, oddCommand].map((program) =>
      program.replaceAll('LONGEST', String(longest[backend])),
    )
    for (const { folder } of [trial, measure]) really(folder, before ?? '')
    really(measure.folder, command ?? '')
    trial.try(python(command ?? ''), '--backend', backend)
    // a copy leaves pipes and sockets out, so the command neither removes them nor knows what it puts in their place
    succeed(trial, 'apply', '--skip-refused', ...(backend === 'copy' ? ['--force'] : []))
    // and fuse-overlayfs removes no socket of the host
    const left = { overlay: [], 'fuse-overlayfs': ['sock'], copy: ['fifo', 'sock'] }
    for (const name of left[backend]) rmSync(join(trial.folder, name))
    const sparse = statSync(join(trial.folder, 'sparse'))
    assert.equal(sparse.size, 2 ** 32)
    assert.ok(sparse.blocks < 2048, 'holes stay holes')
    for (const name of ['acl', 'acls'])
      assert.deepEqual(
        readXattrs(Buffer.from(join(trial.folder, name))),
        readXattrs(Buffer.from(join(measure.folder, name))),
      )
    for (const { folder } of [trial, measure]) rmSync(join(folder, 'sparse'))
    assert.deepEqual(describeTree(trial.folder), describeTree(measure.folder))
    rmSync(measure.folder, { recursive: true })
  })

function gone(path: string): string {
  rmSync(path, { recursive: true })
  return path
}

/** What the host does to each file after the command has, and how it is told. */
const hostChanges: Record<string, { do: (path: string) => void; needsRoot?: true }> = {
  content: { do: (path) => writeFileSync(path, 'host\n') },
  mode: { do: (path) => chmodSync(path, 0o640) },
  owner: { do: (path) => spawnSync('chown', ['12345', path]), needsRoot: true },
  xattr: { do: (path) => writeXattr(Buffer.from(path), 'user.host', Buffer.from('1')) },
  removed: { do: (path) => rmSync(path) },
  directory: { do: (path) => mkdirSync(gone(path)) },
  link: { do: (path) => symlinkSync('elsewhere', gone(path)) },
  same: { do: (path) => writeFileSync(gone(path), 'same\n') },
  'emptied/file': { do: (path) => mkdirSync(gone(join(path, '..'))) },
}

for (const { name: backend, skip: skipped } of backends)
  test(`${backend}: each way in which the host changes a file since is a conflict, and nothing is applied`, {
    skip: skip || skipped,
  }, () => {
    const trial = openTrial()
    const names = Object.keys(hostChanges).filter((name) => !hostChanges[name]?.needsRoot || !asRoot)
    for (const name of [...names, 'fine', 'way/file', 'dressed/file']) trial.write(name, `${name}\n`)
    trial.try(
      `for f in ${names.join(' ')} fine; do echo try >> $f; done; echo try > new; mkdir made; echo try > made/file; echo try > dressed/more; rm -r way`,
      '--backend',
      backend,
    )
    for (const name of names) hostChanges[name]?.do(join(trial.folder, name))
    for (const name of ['new', 'made', 'way/later']) trial.write(name, 'host\n')
    writeXattr(Buffer.from(join(trial.folder, 'dressed')), 'user.host', Buffer.from('1'))
    const changes = trial.diff()
    for (const name of [...names, 'new', 'made', 'way/later', 'dressed'])
      assert.equal(typeof changes.get(name)?.conflict, 'string', `${name}: ${JSON.stringify(changes.get(name))}`)
    assert.equal(changes.get('fine')?.conflict, undefined)
    const before = describeTree(trial.folder)
    const { status, stderr } = trial.usnea('apply')
    assert.equal(status, 1)
    assert.match(stderr, /the host (changed|made|removed) it since/)
    assert.deepEqual(describeTree(trial.folder), before)
    succeed(trial, 'apply', 'fine')
    assert.equal(trial.read('fine'), 'fine\ntry\n')
  })

/** In a mount namespace of its own, with small file systems. */
function onSmall(lines: readonly string[]): void {
  const { folder, state, env } = openTrial()
  const usnea = new URL('../../bin/usnea', import.meta.url).pathname
  const script = ['set -eu', 'cd /', `usnea() { (cd ${folder}; ${usnea} "$@"); }`, ...lines]
    .join('\n')
    .replaceAll('FOLDER', folder)
    .replaceAll('STATE', state)
    .replaceAll('SAID', `${folder}.said`)
  const { status, stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script], { env, encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
}

const fails = (call: string, words: string) =>
  `if usnea ${call} 2> SAID; then echo "no error: ${call}"; exit 1; fi; grep -q '${words}' SAID || { cat SAID; exit 1; }`

test(
  'a disk that is full in the middle of apply: it goes on when there is room, or is rolled back',
  {
    skip: asRoot,
  },
  () =>
    onSmall([
      'mount -t tmpfs -o size=1M none FOLDER',
      'echo old > FOLDER/a; cp FOLDER/a FOLDER/z; sum() { (cd FOLDER; ls -A; cat a z) | md5sum; }; before=$(sum)',
      "usnea try --layer full --backend copy -- sh -ec 'for f in a z; do echo new > $f; done; for f in b c; do head -c 700000 /dev/urandom > $f; done'",
      fails('apply', 'no space left on device'),
      'grep -q . STATE/usnea/layers/full/apply.journal',
      fails('apply', 'no space left on device'),
      'usnea apply --roll-back; [ "$before" = "$(sum)" ]',
      fails('apply', 'no space left on device'),
      'mount -o remount,size=4M FOLDER; usnea apply',
      '[ $(stat -c %s FOLDER/c) = 700000 ]; grep -q new FOLDER/a; grep -q new FOLDER/z; [ "$(ls -A FOLDER | wc -l)" = 4 ]',
    ]),
)

test(
  'a disk that is full while something is tried: the command hears of it, and what there is can be looked at',
  {
    skip: asRoot,
  },
  () =>
    onSmall([
      'mkdir -p STATE; mount -t tmpfs -o size=1M none STATE; echo old > FOLDER/a',
      fails("try --layer full -- sh -c 'echo new > a; head -c 3000000 /dev/zero > big'", 'No space left on device'),
      fails('diff --layer full', 'no space left on device'),
      'grep -q old FOLDER/a; [ "$(ls -A FOLDER)" = a ]',
      'mount -o remount,size=8M STATE; usnea diff --layer full --name-only | grep -q big',
      'usnea discard --layer full; [ -z "$(ls STATE/usnea/layers)" ]',
    ]),
)

test('files that cannot be changed end an apply half way: it is undone, or finished when they can be', {
  skip: asRoot || (spawnSync('chattr', ['-V']).error ? 'needs chattr (Debian: e2fsprogs)' : false),
}, (context) => {
  const trial = openTrial()
  for (const name of ['a', 'fixed', 'growing']) trial.write(name, `${name}\n`)
  const chattr = (flag: string, name: string) => spawnSync('chattr', [flag, join(trial.folder, name)]).status === 0
  trial.try('for f in a fixed growing; do echo new >> $f; done; rm a; echo x > z', '--layer', 'hard')
  const before = describeTree(trial.folder)
  const known = [
    ['fixed', 'i'],
    ['growing', 'a'],
  ] as const
  for (const [name, flag] of known) {
    if (!chattr(`+${flag}`, name)) return context.skip('the file system has no such flags')
    try {
      assert.match(trial.usnea('apply').stderr, /the host changed it since/, 'the flag is a change')
      for (const force of [['--force'], []])
        assert.match(
          trial.usnea('apply', ...force).stderr,
          new RegExp(`cannot apply .*/${name} .*operation not permitted`),
        )
      succeed(trial, 'apply', '--roll-back')
      assert.deepEqual(describeTree(trial.folder), before)
    } finally {
      chattr(`-${flag}`, name)
    }
  }
  const { status, stderr } = trial.usnea('apply', '--force')
  assert.equal(status, 0, stderr)
  assert.equal(trial.read('growing'), 'growing\nnew\n')
  assert.deepEqual(readdirSync(trial.folder).sort(), ['fixed', 'growing', 'z'])
})

/** Swaps directories for links that lead outside, as fast as it can. */
const swapper = `
import ctypes, os, sys
libc = ctypes.CDLL(None)
number = {"x86_64": 316, "aarch64": 276}[os.uname().machine]
while True:
    for n in range(6): libc.syscall(number, -100, b"d%d" % n, -100, b"links/l%d" % n, 2)
`

test('a program that swaps directories for links while apply runs leads it nowhere else', { skip }, async () => {
  const trial = openTrial()
  const outside = join(trial.folder, '..', 'outside')
  mkdirSync(join(trial.folder, 'links'))
  for (let n = 0; n < 6; n++) {
    for (const name of ['file', 'gone', 'sub/file']) {
      trial.write(`d${n}/${name}`, 'old\n')
      trial.write(`../outside/d${n}/${name}`, 'outside\n')
    }
    symlinkSync(`../../outside/d${n}`, join(trial.folder, `links/l${n}`))
  }
  const before = describeTree(outside)
  const change =
    'for d in d?; do echo new > $d/file; rm $d/gone; chmod 600 $d/sub/file; mkdir $d/made; echo new > $d/made/file; done'
  trial.try(change, '--layer', 'race')
  const attacker = spawn('python3', ['-c', swapper], { cwd: trial.folder, stdio: 'ignore' })
  try {
    for (let round = 0; round < 6; round++) {
      trial.usnea(...(round % 3 === 2 ? ['apply', '--roll-back', '--theirs'] : ['apply', '--force']))
      assert.deepEqual(describeTree(outside), before, `round ${round}`)
    }
  } finally {
    attacker.kill('SIGKILL')
    await once(attacker, 'exit')
  }
  trial.usnea('discard', '--layer', 'race', '--force')
  assert.deepEqual(describeTree(outside), before)
})

const deepen = (name: string) => `
import os
os.mkdir("${name}"); os.chdir("${name}")
try:
    for n in range(2999): os.mkdir("d"); os.chdir("d")
    open("file", "w").write("deep\\n")
except OSError as error:
    # fuse-overlayfs takes no path longer than PATH_MAX, which is longer than what is applied
    if error.errno != 36 or n < 1900: raise
`

test('a tree of 3,000 levels, of the host or of the command, is told, and all else is applied', { skip }, () => {
  const trial = openTrial()
  really(trial.folder, deepen('host'))
  try {
    for (const { name: backend } of backends.filter(({ skip: skipped }) => skipped === false)) {
      trial.try(`echo x > ${backend}\n${python(deepen('made'))}`, '--backend', backend, '--layer', backend)
      const { stdout, stderr } = trial.usnea('diff', '--layer', backend, '--name-only', backend)
      assert.match(stdout, new RegExp(`/${backend}\n`), stderr)
      assert.match(trial.usnea('apply', '--layer', backend).stderr, /longer than the system takes/)
      succeed(trial, 'apply', '--layer', backend, backend)
      assert.ok(existsSync(join(trial.folder, backend)))
      succeed(trial, 'discard', '--layer', backend)
    }
    assert.deepEqual(readdirSync(join(trial.state, 'usnea/layers')), [])
  } finally {
    // Node goes down one call of a function for each level
    spawnSync('rm', ['-rf', join(trial.folder, '..')])
  }
})

test('of two applies at once one is told to wait, and all is applied once', { skip }, async () => {
  const trial = openTrial()
  trial.write('log', 'start\n')
  trial.try('for n in $(seq 200); do echo $n > f$n; done; echo end >> log', '--layer', 'twice')
  const usnea = new URL('../../bin/usnea', import.meta.url).pathname
  const two = [1, 2, 3].map(() => {
    const child = spawn(usnea, ['apply', '--layer', 'twice'], { cwd: trial.folder, env: trial.env })
    const said: Buffer[] = []
    child.stderr.on('data', (bytes: Buffer) => said.push(bytes))
    return once(child, 'close').then(([status]) => ({ status, said: Buffer.concat(said).toString() }))
  })
  for (const { status, said } of await Promise.all(two)) if (status !== 0) assert.match(said, /in use/)
  succeed(trial, 'apply', '--layer', 'twice')
  assert.equal(trial.read('log'), 'start\nend\n')
  assert.equal(readdirSync(trial.folder).length, 201)
  assert.equal(readFileSync(join(trial.folder, 'f200'), 'utf8'), '200\n')
  assert.equal(lstatSync(join(trial.folder, 'log')).nlink, 1)
})
