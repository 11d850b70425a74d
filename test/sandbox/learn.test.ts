/** `usnea learn` and `usnea suggest`: policies under which real programs pass, and a changed program does not. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readToml } from '../../src/config/toml.ts'
import { needs, whyNotFound } from '../fixtures/needs.ts'

const skip = needs('userns', 'python3', 'gcc')
const usnea = fileURLToPath(new URL('../../bin/usnea', import.meta.url))
const place = realpathSync(mkdtempSync(join(tmpdir(), 'usnea-learn-')))
const env = { ...process.env, XDG_STATE_HOME: join(place, 'state'), PATH: '/usr/bin:/bin' }
after(() => rmSync(place, { recursive: true, force: true }))

let projects = 0
function project(files: Readonly<Record<string, string>>): string {
  const path = join(place, `project-${++projects}`)
  mkdirSync(path)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return path
}

function run(cwd: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(usnea, args, { cwd, encoding: 'utf8', env })
  return { status, stdout, stderr }
}

const valuesOf = (text: string) => ({ ...readToml(text, 'policy').values })

function learn(cwd: string, ...argv: string[]): string {
  const before = readdirSync(cwd)
  const { status, stdout, stderr } = run(cwd, 'learn', '--output', '.usnea.toml', '--', ...argv)
  assert.deepEqual([status, stdout], [0, ''], stderr)
  assert.deepEqual(readdirSync(cwd).sort(), [...before, '.usnea.toml'].sort(), 'the run changed something')
  return readFileSync(join(cwd, '.usnea.toml'), 'utf8')
}

test('make and gcc: only what is built may change, and a changed Makefile is stopped', {
  skip: skip ?? whyNotFound('make', 'make'),
}, () => {
  const cwd = project({ 'main.c': 'int main(void) { return 0; }\n', Makefile: 'prog: main.c\n\tgcc -o prog main.c\n' })
  const policy = learn(cwd, 'make')
  assert.deepEqual(valuesOf(policy), { rw: ['.'] })
  assert.equal(run(cwd, '--', 'make').status, 0)
  assert.ok(existsSync(join(cwd, 'prog')))
  writeFileSync(join(cwd, 'Makefile'), `prog:\n\tcp main.c ${join(place, 'stolen')}\n\tcat ${homedir()}/secret\n`)
  rmSync(join(cwd, 'prog'))
  assert.notEqual(run(cwd, '--', 'make').status, 0)
  assert.equal(existsSync(join(place, 'stolen')), false)
})

test('git: the repository alone may change, and a hook that wants more is stopped', {
  skip: skip ?? whyNotFound('git', 'git'),
}, () => {
  const cwd = project({ file: 'x' })
  const git = ['/usr/bin/env', 'GIT_CONFIG_GLOBAL=/dev/null', 'git', '-c', 'user.name=a', '-c', 'user.email=a@b.c']
  spawnSync('git', ['init', '-q', cwd])
  const policy = learn(cwd, ...git, 'commit', '-q', '--allow-empty', '-m', 'first')
  assert.deepEqual(valuesOf(policy).rw, ['./.git'])
  assert.ok(policy.includes('# take care: rw ./.git: .git/hooks may lie in it: git runs it'), policy)
  const commit = [...git, 'commit', '-q', '--allow-empty', '-m']
  const passed = run(cwd, '--', ...commit, 'one')
  assert.equal(passed.status, 0, passed.stderr)
  const evil = join(cwd, '.git/hooks/post-checkout')
  writeFileSync(join(cwd, '.git/hooks/pre-commit'), `#!/bin/sh\necho x > ${evil}\n`, { mode: 0o755 })
  assert.notEqual(run(cwd, '--', ...commit, 'two').status, 0)
  assert.equal(existsSync(evil), false)
})

test('python: a venv and what it writes; a script that reaches for others is stopped', { skip }, () => {
  const script = "import json, sys\njson.dump(1, open('out/result.json', 'w'))\nprint(open('data').read())\n"
  const cwd = project({ 'run.py': script, data: 'known' })
  mkdirSync(join(cwd, 'out'))
  const policy = learn(cwd, '/usr/bin/python3', '-I', 'run.py')
  assert.deepEqual(valuesOf(policy), { rw: ['./out'], ro: ['./data', './run.py'], cwd: '.' })
  const first = run(cwd, '--', '/usr/bin/python3', '-I', 'run.py')
  assert.deepEqual([first.status, first.stdout], [0, 'known\n'], first.stderr)
  for (const change of [
    "open('data', 'a')",
    "open('/etc/x', 'w')",
    "import socket; socket.create_connection(('192.0.2.1', 80), 5)",
  ]) {
    writeFileSync(join(cwd, 'run.py'), `${script}open('other', 'w')\n${change}\n`)
    assert.equal(run(cwd, '--', '/usr/bin/python3', '-I', 'run.py').status, 1, change)
  }
  assert.equal(existsSync(join(cwd, 'other')), false)
})

test('forks and threads are learned too, the same each time, and no rule is one too many', { skip }, () => {
  const program = `import os, sys, threading
def work(n):
    text = open(f'in/{n % 3}').read()
    open(f'out/{n}', 'w').write(text)
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
for one in threads: one.start()
for one in threads: one.join()
for n in range(8, 200):
    if os.fork() == 0:
        work(n)
        os._exit(0)
while True:
    try:
        if os.wait()[1]: sys.exit(1)
    except ChildProcessError: break
open('log', 'a').write('done')
`
  const open = () => {
    const cwd = project({ 'run.py': program, log: '', link: '' })
    for (const folder of ['in', 'out']) mkdirSync(join(cwd, folder))
    for (const name of ['0', '1', '2']) writeFileSync(join(cwd, 'in', name), name)
    return cwd
  }
  const call = ['python3', 'run.py']
  const [one, again] = [open(), open()]
  const learned = [one, again].map((cwd) => learn(cwd, ...call))
  assert.equal(learned[0], learned[1])
  const rules = Object.entries(valuesOf(learned[0] ?? '')).map(([key, value]) => [key, value as string[]] as const)
  assert.equal(run(one, '--', ...call).status, 0)
  for (const [key, value] of rules)
    for (const gone of value) {
      const left = rules.map(([name, all]) => {
        const kept = name === key ? all.filter((word) => word !== gone) : all
        return `${name} = ${JSON.stringify(kept)}\n`
      })
      writeFileSync(join(one, '.usnea.toml'), left.join(''))
      assert.notEqual(run(one, '--', ...call).status, 0, `without ${key} ${gone}`)
    }
  assert.ok(rules.length >= 2, learned[0])
})

test('secrets and places of others are left out and told, and what is named is in', { skip }, () => {
  const cwd = project({ '.env': 'KEY=1\n', plain: '' })
  const { status, stdout, stderr } = run(
    cwd,
    'learn',
    '--rw',
    'plain',
    '--',
    'sh',
    '-c',
    'cat .env; echo said; mkdir /etc/usnea-x; true',
  )
  assert.equal(status, 0)
  assert.match(stdout, /^# left out: ro \.\/\.env: its name is that of a key$/m)
  assert.match(stdout, /^# left out: rw \/etc: others run or obey what is there$/m)
  assert.match(stdout, /^rw = \["\.\/plain"\]$/m)
  assert.doesNotMatch(stdout, /^ro = .*env/m)
  assert.doesNotMatch(stdout, /^said$/m, "the command's own output is not in the policy")
  assert.match(stderr, /^said$/m)
  assert.equal(existsSync('/etc/usnea-x'), false)
})

test('a second run adds to the file, what stands there stays, and without --merge it is refused', { skip }, () => {
  const cwd = project({ a: '', b: '', '.usnea.toml': '# mine\nro = [\n  "./a", # the first\n]\ntimeout = "5s"\n' })
  const refused = run(cwd, 'learn', '--output', '.usnea.toml', '--', 'cat', 'b')
  assert.equal(refused.status, 125)
  assert.match(refused.stderr, /exists.*--merge/)
  const { status, stderr } = run(cwd, 'learn', '--output', '.usnea.toml', '--merge', '--', 'cat', 'b')
  assert.equal(status, 0, stderr)
  assert.equal(
    readFileSync(join(cwd, '.usnea.toml'), 'utf8'),
    '# mine\nro = [\n  "./a", # the first\n  "./b",\n]\ntimeout = "5s"\ncwd = "."\n',
  )
})

test('what was denied, suggested and taken is denied no more; dangerous things are named and left out', {
  skip: skip ?? whyNotFound('patch', 'patch'),
}, () => {
  const cwd = project({ 'data.txt': 'data' })
  mkdirSync(join(cwd, '.git/hooks'), { recursive: true })
  const script = `cat ${cwd}/data.txt; echo x > ${cwd}/made; mkdir /etc/usnea-y 2>/dev/null; unshare -U true 2>/dev/null; true`
  const log = join(place, 'log.jsonl')
  const options = ['--log-denials', log, '--', 'sh', '-c', script]
  const first = run(cwd, ...options)
  assert.doesNotMatch(first.stdout, /data/)
  const { status, stdout } = run(cwd, 'suggest', log)
  assert.equal(status, 0)
  assert.match(stdout, /^# left out, dangerous: rw \/etc: /m)
  assert.match(stdout, /^# left out, dangerous: nested true: /m)
  const taken = spawnSync('patch', ['-p0'], { cwd, input: stdout, encoding: 'utf8' })
  assert.equal(taken.status, 0, `${taken.stderr}${stdout}`)
  assert.deepEqual(valuesOf(readFileSync(join(cwd, '.usnea.toml'), 'utf8')), { rw: ['.'] })
  const second = run(cwd, ...options)
  assert.match(second.stdout, /^data/)
  assert.ok(existsSync(join(cwd, 'made')))
  assert.match(run(cwd, 'suggest', '--flags', '--dangerous', log).stdout, /^--rw \/etc$/m)
})

test('a log that is none is refused', { skip }, () => {
  const cwd = project({ bad: '{"time":1}\n', other: 'text' })
  for (const [name, why] of [
    ['bad', /line 1 is none of a log/],
    ['other', /line 1 is none/],
    ['missing', /no such file/],
  ] as const) {
    const { status, stderr } = run(cwd, 'suggest', name)
    assert.notEqual(status, 0)
    assert.match(stderr, why)
  }
})
