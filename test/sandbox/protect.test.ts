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
import { dirname, join } from 'node:path'
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

test('what leads to a rule in a writable path stays in its place, so that the next command meets it again', {
  skip,
}, async () => {
  const path = join(place, 'led')
  mkdirSync(join(path, 'conf/deep/ro'), { recursive: true })
  writeFileSync(join(path, 'conf/secret'), 'SECRET')
  writeFileSync(join(path, 'conf/deep/ro/file'), 'kept')
  symlinkSync('conf', join(path, 'link'))
  const rules = { rw: [path], ro: [`${path}/conf/deep/ro`], deny: [`${path}/link/secret`] }
  const script = `cd ${path}
    for name in conf conf/deep link; do mv $name moved 2>/dev/null && echo "moved $name"; rm $name 2>/dev/null && echo "removed $name"; done
    ln -s /etc other && mv -T other link 2>/dev/null && echo replaced
    mkdir -p conf/deep; touch conf/new`
  const { stdout } = await sh(script, rules)
  assert.equal(stdout, '')
  const second = await sh(
    `cd ${path}; cat conf/secret link/secret; echo x > conf/deep/ro/file; cat moved*/secret`,
    rules,
  )
  assert.equal(second.stdout, '')
  assert.equal(second.stderr.match(/Permission denied/g)?.length, 2, second.stderr)
  assert.equal(readFileSync(join(path, 'conf/deep/ro/file'), 'utf8'), 'kept')
  assert.ok(existsSync(join(path, 'conf/new')))
})

test('git is led nowhere else: not by the .git of a worktree, by submodules, other hooks or links', {
  skip,
}, async () => {
  const path = join(place, 'led-git')
  const files: Record<string, string> = {
    '.git': 'gitdir: real\n',
    'real/HEAD': 'ref: refs/heads/main',
    'real/config': '[core]\n\thooksPath = "scripts/hooks"\n[include]\n\tpath = ../more.config\n',
    'real/modules/a/b/HEAD': 'x',
    'real/modules/a/b/config': 'x',
    'real/worktrees/w/HEAD': 'x',
    'real/worktrees/w/commondir': '../..',
    'scripts/hooks/pre-commit': 'x',
    'more.config': 'x',
    '.gitmodules': '[submodule "a/b"]\n\tpath = sub\n',
    'sub/.git': 'gitdir: ../real/modules/a/b\n',
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  symlinkSync('editor', join(path, '.vscode'))
  mkdirSync(join(path, 'editor'))
  const held = Object.keys(files).filter((name) => !/HEAD|modules$/.test(name))
  const script = `cd ${path}
    for f in ${held.join(' ')} editor/tasks.json; do (echo attacked > $f) 2>/dev/null && echo "wrote $f"; done
    for f in .git real real/modules real/worktrees/w scripts sub .vscode editor; do mv $f moved 2>/dev/null; done
    rm .vscode 2>/dev/null && echo removed; echo fine > real/index; echo fine > sub/file; cat real/index sub/file`
  const { stdout } = await sh(script, { rw: [path] })
  assert.equal(stdout, 'fine\nfine')
  for (const name of held) assert.equal(readFileSync(join(path, name), 'utf8'), files[name], name)
})

test('a repository that the command makes is told, also one that is only led to, or bare', { skip }, async () => {
  const scripts = {
    led: 'echo gitdir: elsewhere > .git',
    linked: 'ln -s elsewhere .git',
    bare: 'mkdir refs objects; touch HEAD',
  }
  for (const [name, script] of Object.entries(scripts)) {
    const path = join(place, `planted-${name}`)
    mkdirSync(path)
    const { planted } = await sh(`cd ${path}; ${script}`, { rw: [path] })
    assert.deepEqual(planted, [join(path, name === 'bare' ? 'HEAD' : '.git')])
  }
})

test('the policy of the user can be written to only where it is named', { skip }, async () => {
  const path = join(place, 'settings')
  mkdirSync(join(path, '.config/usnea'), { recursive: true })
  const script = `echo x > ${path}/.config/usnea/config.toml; mv ${path}/.config ${path}/moved`
  for (const rw of [path, join(path, '.config')]) {
    await sh(script, { rw: [rw] })
    assert.deepEqual(readdirSync(join(path, '.config/usnea')), [], rw)
  }
  assert.equal((await sh(script, { rw: [path, join(path, '.config/usnea')] })).stderr.match(/Read-only/g), null)
})
