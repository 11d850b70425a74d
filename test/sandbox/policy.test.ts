/** The policy that a call gathers from files, variables and options; and a hostile project's own. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { sandbox } from '../../src/index.ts'
import { needs } from '../fixtures/needs.ts'

const skip = needs('userns') ?? false
const usnea = fileURLToPath(new URL('../../bin/usnea', import.meta.url))
const place = realpathSync(mkdtempSync(join(tmpdir(), 'usnea-policy-')))
after(() => rmSync(place, { recursive: true, force: true }))
const settings = join(place, 'config')
mkdirSync(join(settings, 'usnea'), { recursive: true })

let projects = 0

/** With a `.git`, so that nothing above it opens anything. */
function project(policy: string): string {
  const path = join(place, `project-${++projects}`)
  mkdirSync(join(path, '.git'), { recursive: true })
  mkdirSync(join(path, 'sub'))
  writeFileSync(join(path, '.usnea.toml'), policy)
  return path
}

function run(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { PATH, HOME } = process.env
  const { status, stdout, stderr } = spawnSync(usnea, args, {
    cwd,
    encoding: 'utf8',
    env: { PATH, HOME, XDG_CONFIG_HOME: settings, ...env },
  })
  return { status, stdout: stdout.trim(), stderr: stderr.trim() }
}

test("a project's file is found from a directory in it, and opens the project and no more", { skip }, () => {
  const path = project('rw = ["."]\nenv = ["MODE=test"]\nhide = ["/etc/hostname"]\n')
  const script = 'echo $MODE; wc -c < /etc/hostname; touch ../made && ls ..'
  const { stdout, status, stderr } = run(join(path, 'sub'), ['--', 'sh', '-c', script])
  assert.deepEqual([status, stdout.split('\n')], [0, ['test', '0', 'made', 'sub']], stderr)
})

test('a hostile project opens nothing, is told what for, and runs nothing', { skip }, () => {
  const path = project(`rw = ["/"]\nnet = "host"\nenv = ["SECRET"]\naccept = ["protect"]\n`)
  const { status, stdout, stderr } = run(path, ['--', 'echo', 'ran'], { SECRET: 'x' })
  assert.deepEqual([status, stdout], [125, ''])
  for (const word of ['rw "/"', 'net "host"', 'env "SECRET"', 'accept "protect"', 'sandbox.trust'])
    assert.ok(stderr.includes(word), stderr)
  assert.equal(run(path, ['--no-config', '--', 'echo', 'ran']).stdout, 'ran')
})

test('a link in a project does not lead out of it', { skip }, () => {
  const path = project('rw = ["out"]\n')
  symlinkSync('/etc', join(path, 'out'))
  assert.match(run(path, ['--', 'true']).stderr, /lies outside of the project/)
})

test("a project gets none of the caller's variables, whatever way it asks", { skip }, () => {
  for (const word of ['SECRET', 'SECRET=$SECRET']) {
    const path = project(`env = ["${word}"]\n`)
    const { status, stdout, stderr } = run(path, ['--', 'sh', '-c', 'echo $SECRET'], { SECRET: 'leaked' })
    assert.deepEqual([status, stdout], [125, ''])
    assert.match(stderr, /hands on a variable/)
  }
})

test('wildcards count from the directory, also a question mark in front, in a file and as an option', { skip }, () => {
  const path = project('hide = ["?.key"]\nrw = ["."]\n')
  for (const name of ['1.key', '22.key']) writeFileSync(join(path, name), 'SECRET')
  assert.equal(run(path, ['--', 'cat', '1.key', '22.key']).stdout, 'SECRET')
  for (const option of ['--hide', '--deny']) {
    const { stdout, stderr } = run(path, ['--no-config', '--ro', '.', option, '?.key', '--', 'cat', '1.key', '22.key'])
    assert.equal(stdout, 'SECRET', stderr)
  }
  const missing = project('deny = ["?.none"]\n')
  assert.match(run(missing, ['--', 'true']).stderr, /\?\.none does not exist/)
})

test('a colon in the name of a project does not lead out of it', { skip }, () => {
  const path = join(project(''), 'a:', 'b')
  mkdirSync(join(path, '.git'), { recursive: true })
  symlinkSync('/etc', join(path, '../../a'))
  writeFileSync(join(path, '.usnea.toml'), 'rw = ["."]\n')
  for (const args of [[], ['--no-config', '--profile', 'build']]) {
    const { status, stderr } = run(path, [...args, '--', 'ls', '/b'])
    assert.equal(status, 125)
    assert.match(stderr, /has a colon in it/)
  }
})

test('a policy that is a pipe is not waited for', { skip }, () => {
  const path = project('')
  rmSync(join(path, '.usnea.toml'))
  spawnSync('mkfifo', [join(path, '.usnea.toml')])
  assert.match(run(path, ['--', 'true']).stderr, /cannot read .*it is no file/)
})

test('a link that leads out of a trusted project is trusted only as it was', { skip }, () => {
  const path = project('net = "host"\nro = ["./data"]\n')
  symlinkSync('/usr/share', join(path, 'data'))
  const [line] = /"[^"]+" = "sha256:[0-9a-f]{64}"/.exec(run(path, ['--', 'true']).stderr) ?? []
  const file = join(settings, 'usnea/config.toml')
  writeFileSync(file, `[sandbox.trust]\n${line}\n`)
  assert.equal(run(path, ['--', 'true']).status, 0)
  rmSync(join(path, 'data'))
  symlinkSync('/etc', join(path, 'data'))
  assert.match(run(path, ['--', 'true']).stderr, /lies outside of the project/)
  rmSync(file)
})

test('what the user trusts is obeyed until it says something else', { skip }, () => {
  const path = project('net = "host"\n')
  const [line] = /"[^"]+" = "sha256:[0-9a-f]{64}"/.exec(run(path, ['--', 'true']).stderr) ?? []
  assert.ok(line)
  const file = join(settings, 'usnea/config.toml')
  writeFileSync(file, `[sandbox.trust]\n${line}\n`)
  assert.equal(run(path, ['--', 'true']).status, 0)
  writeFileSync(join(path, '.usnea.toml'), '# the same\nnet = "host"\n')
  assert.equal(run(path, ['--', 'true']).status, 0)
  writeFileSync(join(path, '.usnea.toml'), 'net = "host"\nro = ["/root"]\n')
  assert.equal(run(path, ['--', 'true']).status, 125)
  rmSync(file)
})

test('a file that others may write to is not obeyed', { skip }, () => {
  const path = project('rw = ["."]\n')
  chmodSync(join(path, '.usnea.toml'), 0o666)
  assert.match(run(path, ['--', 'true']).stderr, /is not obeyed/)
})

test('options come before variables, those before the project, that before the user, and --explain tells whose word it is', {
  skip,
}, () => {
  const path = project('timeout = "40s"\nnet = "none"\n')
  writeFileSync(join(settings, 'usnea/config.toml'), '[sandbox]\ntimeout = "50s"\nnet = "host"\nmin-level = "U0"\n')
  const told = (args: readonly string[], env = {}) => run(path, [...args, '--explain', '--', 'true'], env).stdout
  assert.match(told([]), /killed after 40000 ms +\(.*\.usnea\.toml:1:1\)/)
  assert.match(told([], { USNEA_TIMEOUT: '30s' }), /killed after 30000 ms +\(\$USNEA_TIMEOUT\)/)
  assert.match(told(['--timeout', '20s'], { USNEA_TIMEOUT: '30s' }), /killed after 20000 ms +\(--timeout\)/)
  assert.match(told([]), /no network but a loopback.*\(.*\.usnea\.toml:2:1\)/)
  assert.match(told(['--no-config']), /as long as it likes +\(default\)/)
  assert.match(told(['--profile', 'build']), new RegExp(`rw +${path} .*\\(profile build\\)`))
  rmSync(join(settings, 'usnea/config.toml'))
})

test('--explain warns of hosts near at hand, says that no name leads there, and shows no value of a variable', {
  skip,
}, () => {
  const path = project('')
  const hosts = ['169.254.169.254', '10.1.0.0/16:443', '[fe80::1]:22', '*.example.org', '1.1.1.1'].map(
    (host) => `--allow-host=${host}`,
  )
  const { stdout } = run(path, [...hosts, '--env', 'TOKEN=hunter2', '--explain', '--', 'true'])
  assert.match(stdout, /169\.254\.169\.254 can be reached; take care: it holds the metadata of a cloud/)
  assert.match(stdout, /10\.1\.0\.0\/16:443 can be reached; take care: it /)
  assert.match(stdout, /\[fe80::1\]:22 can be reached; take care: it /)
  for (const host of ['\\*\\.example\\.org', '1\\.1\\.1\\.1'])
    assert.match(stdout, new RegExp(`${host} can be reached +\\(--allow`))
  assert.match(stdout, /no name leads to this machine, its links, private and link-local ranges or the metadata/)
  assert.match(stdout, /the environment has TOKEN +\(--env\)/)
  assert.ok(!stdout.includes('hunter2'))
  assert.doesNotMatch(run(path, ['--explain', '--', 'true']).stdout, /no name leads/)
})

test('a mistake in a file is told with its place', { skip }, () => {
  const path = project('rw = ["."]\ntimout = "5s"\n')
  assert.match(run(path, ['--', 'true']).stderr, /\.usnea\.toml:2:1: unknown key "timout": did you mean timeout/)
})

test('one unix socket of the host can be shown, and nothing else by that name', { skip }, async () => {
  const path = join(place, 'server.sock')
  const server = createServer((socket) => socket.end('hello')).listen(path)
  const script = `import socket; s = socket.socket(socket.AF_UNIX); s.connect('${path}'); print(s.recv(9).decode())`
  await using box = sandbox({ cwd: '/', socket: [path] })
  if (needs('python3') === undefined) assert.equal((await box.run(['python3', '-c', script])).stdout, 'hello')
  server.close()
  assert.throws(() => sandbox({ socket: ['/etc/hostname'] }), { code: 'sandbox-option' })
  assert.throws(() => sandbox({ socket: [join(place, 'none.sock')] }), { code: 'sandbox-option' })
  assert.throws(() => sandbox({ device: ['/etc/hostname'] }), { code: 'sandbox-option' })
  sandbox({ socket: [`?${join(place, 'none.sock')}`] })
})

test('a device that is named can be used', { skip }, async () => {
  await using box = sandbox({ cwd: '/', device: ['/dev/zero', '?/dev/no-such-device'] })
  assert.equal((await box.run(['sh', '-c', 'head -c 3 /dev/zero | wc -c'])).stdout.trim(), '3')
})

test('the profile of a program is below its own options', { skip }, async () => {
  await using box = sandbox({ profile: 'strict', minLevel: 'U0' })
  assert.match((await box.run(['true'])).level, /^(R|N|U1)$/)
})

const inFolder = (policy: string, files: Readonly<Record<string, string>>) => {
  const path = project(policy)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  return path
}

test('a command that may write in a project cannot undo its policy by files in a folder of it', { skip }, () => {
  const path = inFolder('rw = ["."]\ndeny = ["./secrets"]\n', { 'secrets/key': 'SECRET', 'own/file': 'x' })
  const sub = join(path, 'sub')
  const plant = 'echo \'rw = ["."]\' > .usnea.toml; mkdir .git; mkdir -p ../own/.git; cat ../secrets/key'
  const first = run(sub, ['--', 'sh', '-c', plant])
  assert.ok(!first.stdout.includes('SECRET'))
  assert.match(first.stderr, /the command made \S*sub\/\.usnea\.toml: look at it/)
  for (const folder of [sub, join(path, 'own')]) {
    const { stdout, stderr } = run(folder, ['--ro', path, '--', 'sh', '-c', 'echo ran; cat ../secrets/key'])
    assert.equal(stdout, 'ran')
    assert.match(stderr, /Permission denied/)
  }
  // Nor is more open than before: outside of what it made the repository of, nothing.
  assert.notEqual(run(join(path, 'own'), ['--', 'touch', 'made', '../sub/made']).status, 0)
})

test('of several policies of a project the nearest opens, and all of them take away', { skip }, () => {
  const path = inFolder('rw = ["."]\nro = ["./vendor"]\ntimeout = "9s"\ngroups = []\n', {
    'packages/a/.usnea.toml': 'rw = ["."]\nenv = ["PLACE=a"]\n',
    'packages/b/file': '',
    'vendor/x/.usnea.toml': 'rw = ["."]\n',
    'longer/.usnea.toml': 'timeout = "1h"\n',
    'shorter/.usnea.toml': 'timeout = "5s"\n',
  })
  const inner = run(join(path, 'packages/a'), ['--', 'sh', '-c', 'touch made; touch ../b/made || echo $PLACE'])
  assert.deepEqual([inner.status, inner.stdout], [0, 'a'], inner.stderr)
  const explain = (folder: string) => run(join(path, folder), ['--explain', '--', 'true']).stdout
  assert.match(explain('packages/a'), /killed after 9000 ms +\(\S*project-\d+\/\.usnea\.toml/)
  assert.match(explain('shorter'), /killed after 5000 ms/)
  assert.match(run(join(path, 'longer'), ['--', 'true']).stderr, /timeout "1h": it is longer than yours/)
  assert.match(run(join(path, 'vendor/x'), ['--', 'true']).stderr, /rw "\.": a policy further out shows it read-only/)
  const mixed = inFolder('ro = ["."]\nrw = ["./build"]\n', { 'build/x/.usnea.toml': 'rw = ["."]\n' })
  assert.equal(run(join(mixed, 'build/x'), ['--', 'touch', 'made']).status, 0)
})

test('outside of a repository a policy takes away and opens nothing, whoever trusts it', { skip }, () => {
  const outer = inFolder('rw = ["."]\nhide = ["./secret"]\nnet = "host"\nmin-level = "L"\nenv = ["A=b"]\n', {
    secret: 'SECRET',
    'repository/.git/HEAD': '',
    'repository/file': '',
  })
  const fix = run(outer, ['--', 'true']).stderr
  const config = join(place, 'trusting.toml')
  const line = /config\.toml: (.*?);/.exec(fix)?.[1]
  writeFileSync(config, `[sandbox.trust]\n${line}\n`)
  const env = { USNEA_CONFIG: config }
  assert.match(run(outer, ['--explain', '--', 'true'], env).stdout, /the network of the host/)
  const repository = join(outer, 'repository')
  const { stdout } = run(repository, ['--explain', '--', 'true'], env)
  assert.match(stdout, /no network but a loopback/)
  assert.match(stdout, /secret looks empty/)
  assert.doesNotMatch(stdout, /can be read and changed|the environment has A|at least L/)
  const script = 'wc -c < ../secret; touch file && echo written'
  assert.equal(run(repository, ['--ro', outer, '--', 'sh', '-c', script], env).stdout, '0')
})

test("what lies in a directory that everybody may write to is nobody's project", { skip }, () => {
  const open = inFolder('hide = ["./file"]\n', { 'repository/.git/HEAD': '', file: 'text' })
  const read = () => run(join(open, 'repository'), ['--ro', open, '--', 'cat', '../file']).stdout
  assert.equal(read(), '')
  chmodSync(open, 0o777)
  assert.equal(read(), 'text')
})

test('the policies that hold for a command stay as they are, also those in a folder', { skip }, () => {
  const path = inFolder('', { 'sub/.usnea.toml': 'timeout = "9s"\n' })
  const script = 'echo > .usnea.toml; mv .usnea.toml x; mv ../sub ../other; cat .usnea.toml'
  const { stdout } = run(join(path, 'sub'), ['--rw', path, '--', 'sh', '-c', script])
  assert.equal(stdout, 'timeout = "9s"')
})
