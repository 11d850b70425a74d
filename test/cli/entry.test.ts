// Needs nothing: the program starts from anywhere, under any name, with an empty environment.
import assert from 'node:assert/strict'
import { type SpawnSyncOptions, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { runtimePath } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'
import { runDirectory } from '../fixtures/run-directory.ts'

const scratch = mkdtempSync(join(runDirectory(), 'entry-'))
const usnea = await runtimePath()

function version(command: string, options: SpawnSyncOptions = {}): void {
  const { status, stdout, stderr } = spawnSync(command, ['--version'], {
    env: {},
    cwd: '/',
    encoding: 'utf8',
    ...options,
  })
  assert.equal(status, 0, String(stderr))
  assert.match(String(stdout), /^usnea version \d+\.\d+\.\d+/)
}

test('with an empty environment and no PATH', () => version(usnea))

test('with a PATH that leads nowhere, or holds a node that is none', () => {
  const folder = join(scratch, 'path')
  mkdirSync(join(folder, 'node'), { recursive: true })
  version(usnea, { env: { PATH: '/nowhere' } })
  version(usnea, { env: { PATH: `${folder}:.:` } })
})

test('through symbolic links, absolute and relative, one behind the other', () => {
  const [absolute, relativeLink, second] = ['absolute', 'relative', 'second'].map((name) => join(scratch, name)) as [
    string,
    string,
    string,
  ]
  symlinkSync(usnea, absolute)
  symlinkSync(relative(scratch, usnea), relativeLink)
  symlinkSync('relative', second)
  for (const link of [absolute, relativeLink, second]) version(link)
  version('./second', { cwd: scratch })
})

test('under another name, which has to be a link', () => {
  const link = join(scratch, 'crun')
  symlinkSync(usnea, link)
  version(link)
})

test('by its bare name from a directory of PATH', () => {
  const { status, stdout } = spawnSync('sh', ['-c', 'usnea --version'], {
    env: { PATH: `${dirname(usnea)}:/usr/bin:/bin` },
    encoding: 'utf8',
  })
  assert.equal(status, 0)
  assert.match(stdout, /^usnea version/)
})

test('from a directory with blanks, and one that was removed', () => {
  const blanks = join(scratch, 'a b\n"c')
  mkdirSync(blanks)
  version(usnea, { cwd: blanks })
  const gone = mkdtempSync(join(tmpdir(), 'usnea-gone-'))
  const script = `cd '${gone}' && rmdir '${gone}' && exec '${usnea}' --version`
  const { status, stderr } = spawnSync('/bin/sh', ['-c', script], { env: {}, encoding: 'utf8' })
  if (status !== 0) rmdirSync(gone)
  assert.equal(status, 0, stderr)
})

test('through a directory that is a link, with signs that a shell would read', () => {
  const folder = join(scratch, 'bin $(x) `y` *')
  symlinkSync(dirname(usnea), folder)
  version(join(folder, 'usnea'))
})

test('with stdin, stdout or stderr closed', () => {
  for (const closed of ['<&-', '2>&-', '<&- 2>&-']) {
    const { status, stdout } = spawnSync('/bin/sh', ['-c', `exec '${usnea}' --version ${closed}`], {
      env: {},
      encoding: 'utf8',
    })
    assert.equal(status, 0, closed)
    assert.match(stdout, /^usnea version/)
  }
})

test('the way podman calls kill and delete: with a runtime directory and nothing else', () => {
  const env = { XDG_RUNTIME_DIR: scratch }
  const { status, stdout, stderr } = spawnSync(
    usnea,
    ['--root', join(scratch, 'state'), 'delete', '--force', 'nothing'],
    { env, encoding: 'utf8' },
  )
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' })
})

test('variables that make Node slow, or stop it, are kept from it, and are there again for whom it starts', () => {
  for (const [name, as] of [
    ['NODE_EXTRA_CA_CERTS', 'USNEA_CA_CERTS'],
    ['NODE_OPTIONS', 'USNEA_NODE_OPTIONS'],
  ] as const) {
    const env = { [name]: '--nowhere', [as]: 'not ours' }
    const look = `process.stdout.write(process.env.${name} + " " + process.env.${as})`
    const path = join(scratch, 'node.sh')
    writeFileSync(path, `#!/bin/sh\nexec ${process.execPath} -e '${look}'\n`, { mode: 0o755 })
    const launched = spawnSync(usnea, ['--version'], { env: { ...env, USNEA_NODE: path }, encoding: 'utf8' })
    assert.equal(launched.stdout, 'undefined --nowhere')
    const entry = join(dirname(dirname(usnea)), 'dist/cli/usnea.js')
    const script = `process.argv[2] = '--version'; process.on('exit', () => { ${look} }); require('${entry}')`
    const { stdout } = spawnSync(process.execPath, ['-e', script, '-', '--version'], {
      env: { [as]: '--nowhere' },
      encoding: 'utf8',
    })
    assert.match(stdout, /--nowhere undefined$/)
  }
})

test('a verb of engines that is only a value, and one that is a part of another verb', () => {
  const call = (...words: string[]) => spawnSync(usnea, words, { env: {}, cwd: scratch, encoding: 'utf8' })
  assert.match(call('--root', 'create', 'version').stdout, /^usnea version/)
  assert.match(call('--debug', 'version').stdout, /^usnea version/)
  assert.match(call('task', 'create', '--help').stdout, /usnea task create/)
  assert.match(call('--systemd-cgroup', 'create', '--help').stdout, /usnea create/)
})

test('values of variables are not among the arguments that other users see while the command runs', {
  skip: needs('userns') ?? false,
}, () => {
  const child = spawn(
    usnea,
    ['--no-config', '--net', 'host', '--env', 'TOKEN=hunter2', '--', 'sh', '-c', 'echo $TOKEN; sleep 1000'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  return new Promise<void>((resolve, reject) => {
    child.stdout.once('data', (said) => {
      try {
        assert.equal(String(said), 'hunter2\n')
        const line = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')
        assert.match(line, /--env TOKEN=… -- sh -c/)
        assert.ok(!line.includes('hunter2'))
      } catch (error) {
        reject(error)
      }
      child.once('close', () => resolve()).kill()
    })
  })
})
