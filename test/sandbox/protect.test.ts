/** What lies in a writable directory and runs later, outside, stays as it is; and what is denied fails. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
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
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type SandboxOptions, sandbox } from '../../src/index.ts'
import { needs } from '../fixtures/needs.ts'

const skip = needs('userns') ?? false
const place = realpathSync(mkdtempSync(join(tmpdir(), 'usnea-protect-')))
after(() => rmSync(place, { recursive: true, force: true }))

async function sh(script: string, options: SandboxOptions = {}) {
  await using box = sandbox({ cwd: '/', ...options })
  return await box.run(['/bin/sh', '-c', script], { reject: false })
}

let projects = 0

function project(): string {
  const path = join(place, `project-${++projects}`)
  mkdirSync(join(path, '.git/hooks'), { recursive: true })
  mkdirSync(join(path, '.github/workflows'), { recursive: true })
  for (const name of ['.git/config', '.bashrc', '.github/workflows/ci.yml', '.usnea.toml'])
    writeFileSync(join(path, name), 'kept')
  return path
}

test('hooks, start files, CI files and the policy can be neither written nor moved nor removed', { skip }, async () => {
  const path = project()
  const script = `cd ${path}
    for f in .git/hooks/new .git/config .bashrc .github/workflows/ci.yml .usnea.toml; do (echo attacked > $f) 2>/dev/null && echo "wrote $f"; done
    for f in .git .git/hooks .git/config .github .bashrc .usnea.toml; do mv $f moved 2>/dev/null && echo "moved $f"; rm -rf $f 2>/dev/null && echo "removed $f"; done
    echo fine > file && echo x > .git/index && cat file`
  const { stdout } = await sh(script, { rw: [path] })
  assert.equal(stdout, 'fine')
  for (const name of ['.git/config', '.bashrc', '.github/workflows/ci.yml', '.usnea.toml'])
    assert.equal(readFileSync(join(path, name), 'utf8'), 'kept')
  // mv(1) copies what it cannot rename
  const names = readdirSync(path).filter((name) => name !== 'moved')
  assert.deepEqual(names.sort(), ['.bashrc', '.git', '.github', '.usnea.toml', 'file'])
})

test('what is named is writable, and the rest stays as it is', { skip }, async () => {
  const path = project()
  const script = `cd ${path}; echo new > .git/hooks/new; echo new > .bashrc; cat .git/hooks/new`
  const { stdout, stderr } = await sh(script, { rw: [path, `${path}/.git/hooks`] })
  assert.equal(stdout, 'new')
  assert.match(stderr, /\.bashrc: Read-only/)
  const { stderr: none } = await sh(`echo new > ${path}/.bashrc`, { rw: [path], accept: ['protect'] })
  assert.equal(none, '')
})

test('with only .git writable its hooks are protected as well', { skip }, async () => {
  const path = project()
  const { stderr } = await sh(`echo x > ${path}/.git/hooks/new; echo x > ${path}/.git/index`, { rw: [`${path}/.git`] })
  assert.equal(stderr.match(/Read-only/g)?.length, 1, stderr)
})

test('nothing is made on the host for what does not exist, and what the command made is told', { skip }, async () => {
  const path = join(place, 'bare')
  mkdirSync(path)
  assert.deepEqual((await sh('true', { rw: [path] })).planted, [])
  assert.deepEqual(readdirSync(path), [])
  const { planted } = await sh(`mkdir ${path}/.vscode; touch ${path}/.vscode/tasks.json ${path}/other`, { rw: [path] })
  assert.deepEqual(planted, [join(path, '.vscode')])
  // Once it is there it is protected, for the same sandbox too.
  await using box = sandbox({ cwd: '/', rw: [path] })
  mkdirSync(join(path, '.idea'))
  const { stderr } = await box.run(['/bin/sh', '-c', `touch ${path}/.idea/x ${path}/.vscode/x`], { reject: false })
  assert.equal(stderr.match(/Read-only/g)?.length, 2, stderr)
})

test('kill -9 leaves nothing on the host either', { skip }, async () => {
  const path = join(place, 'killed')
  mkdirSync(path)
  const usnea = fileURLToPath(new URL('../../bin/usnea', import.meta.url))
  const child = spawn(usnea, ['--rw', path, '--', 'sh', '-c', `echo ready; sleep 100`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.deepEqual(readdirSync(path), [])
})

test('a link in the place of a protected directory leads nowhere', { skip }, async () => {
  const path = join(place, 'linked')
  mkdirSync(path)
  symlinkSync('/etc', join(path, '.vscode'))
  const { stderr } = await sh(`touch ${path}/.vscode/usnea-attack`, { rw: [path] })
  assert.match(stderr, /Read-only/)
  assert.ok(!existsSync('/etc/usnea-attack'))
})

test('what is denied fails, a file and a directory, and its mode cannot be changed', { skip }, async () => {
  const path = join(place, 'denied')
  mkdirSync(join(path, 'folder/in'), { recursive: true })
  for (const name of ['a.key', 'b.key', 'c.txt']) writeFileSync(join(path, name), 'SECRET')
  const script = `cd ${path}; cat a.key; ls folder; cd folder; chmod 777 b.key folder; cat b.key; cat c.txt; ls -A /dev | grep closed`
  const { stdout, stderr } = await sh(script, { rw: [path], deny: [join(path, '*.key'), join(path, 'folder')] })
  assert.equal(stdout, 'SECRET')
  assert.equal(stderr.match(/Permission denied|can't cd/gi)?.length, 4, stderr)
  assert.equal(stderr.match(/Read-only/g)?.length, 2, stderr)
  assert.throws(() => sandbox({ deny: [join(path, 'none*')] }), { code: 'sandbox-option' })
  assert.equal(readFileSync(join(path, 'a.key'), 'utf8'), 'SECRET')
})
