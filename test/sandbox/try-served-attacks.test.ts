/** fuse-overlayfs reads the host's files for a hostile command: what either can reach through the other, and what is left of both. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { needs } from '../fixtures/needs.ts'
import { allProcesses, mentions } from '../fixtures/processes.ts'
import { eventually, holders, serversOf } from '../fixtures/served.ts'
import { openTrial } from '../fixtures/trying.ts'

const skip = needs('userns', 'fuse-overlayfs', 'python3') ?? false
const asRoot = skip || (needs('root') ?? false)
const usnea = fileURLToPath(new URL('../../bin/usnea', import.meta.url))
const served = ['--backend', 'fuse-overlayfs'] as const
const SECRET = 'the-secret-of-the-host'

/** Each line that it prints is a way through. What is refused is an OSError. */
const attacks = (state: string) => `
import os, ctypes, glob, shutil
def attack(name, act):
    try: found = act()
    except (OSError, shutil.Error): return
    if found: print("THROUGH", name, found)
def read(path):
    with open(path, "rb") as f: return b"${SECRET}" in f.read(1 << 20)
hidden = ("private/secret", "note", "sub/deep/secret", "denied/secret")
def look(when):
    for path in hidden: attack(when + " reads " + path, lambda: read(path))
def also(name, act):
    attack(name, act)
    look(name)

look("at first")
for pid in range(2, 1 << 16):
    if pid != os.getpid(): attack("kill", lambda: os.kill(pid, 9))
attack("processes", lambda: [pid for pid in os.listdir("/proc") if pid.isdigit() and b"fuse" in open("/proc/%s/cmdline" % pid, "rb").read()])
libc = ctypes.CDLL(None, use_errno=True)
attack("ptrace", lambda: [pid for pid in range(1, 1 << 12) if pid != os.getpid() and libc.ptrace(16, pid, 0, 0) == 0])
for path in ("/dev/fuse", "/dev/layer", "/dev/layer/upper", "/sys/fs/fuse/connections/0", "${state}/usnea/layers"):
    attack("sees " + path, lambda: os.listdir(path) if os.path.isdir(path) else os.open(path, os.O_RDWR))
def device():
    os.mknod("fuse", 0o020666, os.makedev(10, 229))
    return os.open("fuse", os.O_RDWR)
attack("makes the device", device)

# The kernel asks again for names that are covered, and takes the cover off where it gets another file.
for path in ("private", "note", "sub", "sub/deep", "denied"):
    also("mkdir " + path, lambda: os.mkdir(path))
    also("chmod " + path, lambda: os.chmod(path, 0o777))
    also("utime " + path, lambda: os.utime(path))
    also("open " + path, lambda: os.close(os.open(path, os.O_RDWR | os.O_CREAT)))
    also("link " + path, lambda: os.link(path, path + "-link") or read(path + "-link"))
    also("unlink " + path, lambda: os.unlink(path))
    also("symlink " + path, lambda: os.symlink("/etc", path))
    also("over " + path, lambda: (open("new", "w").close(), os.rename("new", path))[0])
    also("away " + path, lambda: os.rename(path, path + "-moved"))
    for moved in glob.glob("*moved*") + glob.glob("*/*moved*"):
        attack("moved", lambda: read(moved) if os.path.isfile(moved) else any(read(os.path.join(d, f)) for d, _, fs in os.walk(moved) for f in fs))
        attack("back", lambda: os.rename(moved, path))
also("chmod .", lambda: os.chmod(".", 0o700))
for n in range(3000): open("many%d" % n, "w").close()
also("many", lambda: sum(len(os.listdir(".")) < 3000 for _ in range(3)))
for directory in (".", "sub"):
    also("rmtree", lambda: [shutil.rmtree(os.path.join(directory, name)) for name in os.listdir(directory) if name.startswith("s")][0:0])
for name in ("user.fuseoverlayfs.origin", "user.overlay.redirect", "user.overlay.origin", "trusted.overlay.redirect", "user.fuseoverlayfs.opaque"):
    for value in (b"private/secret\\0", b"../../etc/passwd\\0", b"/etc", b"y"):
        def mark():
            with open("marked", "a") as f: f.write("x")
            os.setxattr("marked", name, value)
            # some versions keep these, and obey none
            return None if name.startswith("user.overlay.") else "set"
        also(name, mark)
        attack("marked", lambda: read("marked"))
for path in (".wh.note", ".wh.private", ".wh..wh..opq", "sub/.wh..opq"):
    attack(path, lambda: os.close(os.open(path, os.O_CREAT | os.O_WRONLY)) or "made")
# A directory becomes a link, and what was below is asked for by name.
os.mkdir("turned"); os.mkdir("turned/etc"); open("turned/etc/shadow", "w").close(); fd = os.open("turned", os.O_RDONLY)
os.rename("turned/etc", "turned/old"); os.symlink("/dev/layer/../../private", "turned/etc")
attack("beneath", lambda: os.close(os.open("etc/secret", os.O_RDONLY, dir_fd=fd)) or "opened")
also("end", lambda: None)
open("alive", "w").write("yes")
`

test('the command reaches neither the server, nor its files, nor the device, nor what is hidden', { skip }, () => {
  const trial = openTrial()
  for (const name of ['private/secret', 'note', 'sub/deep/secret', 'denied/secret']) trial.write(name, `${SECRET}\n`)
  trial.write('kept', 'x\n')
  trial.write('attacks.py', attacks(trial.state))
  const at = (name: string) => join(trial.folder, name)
  const hide = ['--hide', at('private'), '--hide', at('note'), '--hide', at('sub/deep/secret'), '--deny', at('denied')]
  const { status, stdout, stderr } = trial.usnea('try', ...hide, ...served, '--', 'python3', 'attacks.py')
  assert.equal(status, 0, stderr)
  assert.equal(stdout, '')
  const changes = trial.diff()
  assert.equal(changes.get('alive')?.change, 'added', 'it was served to the end')
  assert.doesNotMatch(JSON.stringify([...changes]), new RegExp(SECRET))
  assert.deepEqual(
    [...changes].filter(([, { change }]) => change === 'removed').map(([path]) => path),
    [],
  )
  for (const name of ['private/secret', 'note', 'sub/deep/secret', 'denied/secret'])
    assert.equal(trial.read(name), `${SECRET}\n`)
})

/** Its versions refuse some of these names, or none, depending on how they are made. */
const forge = `
import os
def attempt(act, *args):
    try: act(*args)
    except OSError: pass
for name in (".wh.private", ".wh.note", "sub/.wh..wh..opq", ".wh.denied", ".wh.let", ".wh.plain", ".wh.", ".wh..", ".wh...", "sub/.wh...", ".wh..wh.x"):
    attempt(os.mknod, name)
for name in ("in/.wh.", "in/.wh..", "in/.wh...", "in/.wh.a", "in/.wh..wh..opq"): attempt(os.mkdir, name)
attempt(os.symlink, "/etc/passwd", ".wh.link")
attempt(os.mkfifo, ".wh.pipe")
open("mine", "w").write("mine")
attempt(os.rename, "mine", ".wh.mine")
`

test('marks of removal that the command makes by itself remove nothing that it could not reach, and stop nobody', {
  skip,
}, () => {
  const trial = openTrial()
  const closed = ['private/secret', 'note', 'sub/deep/secret', 'denied/secret', 'let/through']
  for (const name of [...closed, 'in/a', 'in/b', 'link', 'pipe', 'plain', 'x']) trial.write(name, `${name}\n`)
  trial.write('forge.py', forge)
  const at = (name: string) => join(trial.folder, name)
  const covers = ['--hide', at('private'), '--hide', at('note'), '--hide', at('sub/deep'), '--deny', at('denied')]
  const options = [...covers, '--rw', at('let'), '--layer', 'forged', ...served]
  const tried = trial.usnea('try', ...options, '--', 'python3', 'forge.py')
  assert.equal(tried.status, 0, tried.stderr)
  // What is to be covered is seen no more then, so nothing runs with the same covers.
  const again = trial.usnea('try', ...options, '--', 'cat', 'private/secret')
  assert.notEqual(again.status, 0)
  assert.equal(again.stdout, '')
  const found = trial.diff('--layer', 'forged')
  for (const name of closed) {
    const change = found.get(name)
    if (change !== undefined) assert.match(String(change.conflict), /could not reach it/, name)
  }
  for (const name of ['in/a', 'in/b', 'link', 'pipe']) assert.equal(found.get(name), undefined, name)
  trial.usnea('apply', '--layer', 'forged', '--skip-refused', '--theirs')
  for (const name of [...closed, 'in/a', 'in/b', 'link', 'pipe']) assert.equal(trial.read(name), `${name}\n`)
  const { status, stderr } = trial.usnea('discard', '--layer', 'forged')
  assert.equal(status, 0, stderr)
})

const field = (pid: number, name: string) =>
  new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]

test('the server has no power, no network, no way to other processes, and sees no more than the command', {
  skip: asRoot,
}, async () => {
  const trial = openTrial()
  trial.write('private/secret', SECRET)
  trial.write('file', 'x\n')
  trial.write('../beside', SECRET)
  const hide = ['--hide', join(trial.folder, 'private')]
  const child = spawn(usnea, ['try', ...hide, ...served, '--', 'sh', '-c', 'echo $$; exec sleep 1000'], {
    cwd: trial.folder,
    env: trial.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await once(child.stdout, 'data')
    const [pid = 0, ...others] = serversOf(trial)
    assert.deepEqual(others, [])
    assert.equal(field(pid, 'CapEff'), '0000000000000002', 'CAP_DAC_OVERRIDE, over our own ids')
    assert.equal(field(pid, 'CapBnd'), '0000000000000002')
    assert.equal(field(pid, 'NoNewPrivs'), '1')
    assert.equal(field(pid, 'Seccomp'), '2')
    for (const kind of ['user', 'mnt', 'pid', 'net', 'ipc', 'uts'])
      for (const other of [process.pid, ...sandboxed(child.pid ?? 0)])
        assert.notEqual(readlinkSync(`/proc/${pid}/ns/${kind}`), readlinkSync(`/proc/${other}/ns/${kind}`), kind)
    const inside = `/proc/${pid}/root`
    assert.deepEqual(readdirSync(join(inside, trial.folder, 'private')), [])
    assert.equal(readFileSync(join(inside, trial.folder, 'file'), 'utf8'), 'x\n')
    assert.ok(!existsSync(join(inside, trial.folder, '../beside')))
    assert.ok(!existsSync(join(inside, trial.state)))
    assert.deepEqual(readdirSync(join(inside, 'dev')).sort(), ['layer', 'null'])
    assert.deepEqual(readdirSync(join(inside, 'dev/layer')).sort(), ['upper', 'work'])
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
    const known = /^(\/dev\/(null|fuse|layer\/(upper|work\/work))|.*\/said|pipe:.*|anon_inode:.*)$/
    assert.deepEqual(
      open.filter((path) => !known.test(path) && path !== trial.folder),
      [],
    )
    // Nobody else has the mount, or the device.
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    assert.doesNotMatch(mounts, new RegExp(`${trial.folder} .* fuse`))
    const command = sandboxed(child.pid ?? 0)
    for (const one of command)
      assert.ok(!readdirSync(`/proc/${one}/fd`).some((fd) => linkOf(`/proc/${one}/fd/${fd}`) === '/dev/fuse'))
  } finally {
    child.kill('SIGKILL')
    await once(child, 'close')
  }
  await eventually(
    () => holders(trial),
    (pids) => pids.length === 0,
    'the end of the server',
  )
})

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

/** The processes of the command: in the sandbox whose mount is the trial's. */
const sandboxed = (starter: number): number[] =>
  allProcesses()
    .filter(({ pid, parent }) => parent === starter || isGrandchild(pid, starter))
    .map(({ pid }) => pid)
    .filter((pid) => read(`/proc/${pid}/mountinfo`).includes(' fuse fuse-overlayfs '))

const isGrandchild = (pid: number, starter: number): boolean => {
  const parent = allProcesses().find((one) => one.pid === pid)?.parent
  return allProcesses().some((one) => one.pid === parent && one.parent === starter)
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

test('kill -9 of usnea at any moment leaves no process, no mount, and the host as it was', {
  skip: asRoot,
}, async () => {
  const trial = openTrial()
  trial.write('file', 'x\n')
  const effort = Number(process.env.USNEA_TEST_EFFORT ?? 1)
  const moments = new Set<string>()
  for (let round = 0; round < 20 * effort; round++) {
    const script = 'echo y > file; echo ready; exec sleep 1000'
    const child = spawn(usnea, ['try', '--layer', 'dead', ...served, '--', 'sh', '-c', script], {
      cwd: trial.folder,
      env: trial.env,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const ended = once(child, 'close')
    let isReady = false
    child.stdout.once('data', () => (isReady = true))
    if (round % 10 === 9) await Promise.race([once(child.stdout, 'data'), sleep(20_000)])
    else await sleep(60 + ((round * 97) % 1300))
    moments.add(isReady ? 'while it runs' : holders(trial).length > 0 ? 'while it is made' : 'before')
    child.kill('SIGKILL')
    await ended
    const left = () =>
      allProcesses()
        .filter(({ pid, state }) => state !== 'Z' && pid !== process.pid && mentions(pid, trial.folder))
        .map(({ pid }) => pid)
    await eventually(
      () => [...holders(trial), ...left()],
      (pids) => pids.length === 0,
      'the end of all',
    )
    assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(`${trial.folder} `))
    assert.equal(trial.read('file'), 'x\n')
  }
  assert.ok(moments.has('while it runs'), [...moments].join())
  assert.equal(trial.try('cat file', '--layer', 'dead').length > 0, true)
  assert.equal(trial.usnea('discard', '--layer', 'dead').status, 0)
  assert.deepEqual(readdirSync(join(trial.state, 'usnea/layers')), [])
})
