/** What a command in a sandbox sees, and that nothing of it reaches the host. */
import assert from 'node:assert/strict'
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
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { RuntimeError, type SandboxOptions, sandbox } from '../../src/index.ts'
import { needs } from '../fixtures/needs.ts'

const skip = needs('userns') ?? false
const place = realpathSync(mkdtempSync(join(tmpdir(), 'usnea-view-')))
after(() => rmSync(place, { recursive: true, force: true }))

async function sh(script: string, options: SandboxOptions = {}) {
  await using box = sandbox({ cwd: '/', ...options })
  return await box.run(['/bin/sh', '-c', script], { reject: false })
}

function folder(name: string): string {
  const path = join(place, name)
  mkdirSync(path)
  return path
}

test('the host is read-only, and /tmp, /run and the home are empty and private', { skip }, async () => {
  const { stdout, stderr } = await sh('touch /tmp/made "$HOME/made" && ls -A /tmp "$HOME" /run; touch /usr/made')
  assert.match(stdout, /made/)
  assert.match(stderr, /Read-only file system/)
  assert.ok(!existsSync('/tmp/made') && !existsSync('/usr/made'))
  assert.doesNotMatch(stdout, new RegExp(place.split('/').at(-1) ?? ''))
})

test('--rw lets writes through to the host, --ro only reads, --hide covers', { skip }, async () => {
  const [rw, ro] = [folder('rw'), folder('ro')]
  writeFileSync(join(ro, 'file'), 'readable')
  writeFileSync(join(ro, 'secret'), 'hidden')
  const script = `echo written > ${rw}/out; cat ${ro}/file; cat ${ro}/secret; echo no > ${ro}/new`
  const { stdout, stderr } = await sh(script, { rw: [rw], ro: [ro], hide: [join(ro, 'secret')] })
  assert.equal(stdout, 'readable')
  assert.match(stderr, /Read-only file system/)
  assert.equal(readFileSync(join(rw, 'out'), 'utf8'), 'written\n')
  assert.deepEqual(readdirSync(ro).sort(), ['file', 'secret'])
})

test('hiding what is not there is refused: a slip of the pen must not lay a secret open', { skip }, () => {
  assert.throws(() => sandbox({ hide: [join(place, 'no-such-file')] }), { code: 'sandbox-option' })
})

test('what lies under a private place need not be covered again', { skip }, async () => {
  writeFileSync(join(place, 'private'), 'x')
  const { stdout } = await sh(`test -e ${place}/private || echo gone`, { hide: [join(place, 'private')] })
  assert.equal(stdout, 'gone')
})

test('a directory is hidden with all that is in it', { skip }, async () => {
  const dir = folder('covered')
  writeFileSync(join(dir, 'inside'), 'x')
  const { stdout } = await sh(`ls -A ${dir} | wc -l`, { rw: [dir], hide: [dir] })
  assert.equal(stdout.trim(), '0')
})

test('a destination that does not exist is made in a view of ours, not on the host', { skip }, async () => {
  const source = folder('source')
  writeFileSync(join(source, 'file'), 'here')
  for (const dest of ['/usr/share/usnea-test-dest', '/usnea-test-top', '/opt/usnea/deep/er']) {
    const { stdout, stderr } = await sh(
      `cat ${dest}/file; ls /usr/bin/env; ls -d /etc /proc/self /dev/null; touch /usr/x /x`,
      { ro: [`${source}:${dest}`] },
    )
    assert.match(stdout, /^here/, `${dest}: ${stderr}`)
    assert.match(stdout, /\/usr\/bin\/env/)
    assert.match(stdout, /\/dev\/null/)
    assert.equal(stderr.match(/Read-only file system/g)?.length, 2, stderr)
    assert.ok(!existsSync(dest))
  }
})

test('a destination that would have to be created in a writable path of the host is refused', { skip }, () => {
  const rw = folder('refuse')
  assert.throws(() => sandbox({ rw: [rw], ro: [`/etc/hostname:${rw}/stub`] }), { code: 'sandbox-option' })
  assert.deepEqual(readdirSync(rw), [])
})

test('without a network there is only a loopback, and it works', { skip }, async () => {
  const { stdout } = await sh(
    'cat /proc/net/dev | tail -n +3 | wc -l; read -r _ < /proc/net/route; cat /sys/class/net/lo/flags 2>/dev/null || true',
  )
  assert.match(stdout, /^1/)
})

test('the process has no capability, no new privileges, its own pids and keeps its user id', { skip }, async () => {
  const { stdout } = await sh('id -u; grep -E "Cap|NoNewPrivs" /proc/self/status; ls -d /proc/[0-9]* | wc -l')
  const [uid, ...lines] = stdout.split('\n')
  assert.equal(Number(uid), process.getuid?.())
  for (const name of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
    assert.ok(lines.includes(`${name}:\t0000000000000000`), name)
  assert.ok(lines.includes('NoNewPrivs:\t1'))
  assert.ok(Number(lines.at(-1)) < 10)
})

test('the environment is clean but for what was passed', { skip }, async () => {
  process.env.USNEA_TEST_SECRET = 'leak'
  const { stdout } = await sh('env', { env: { GIVEN: 'yes', LANG: undefined } })
  delete process.env.USNEA_TEST_SECRET
  assert.doesNotMatch(stdout, /leak|^LANG=/m)
  assert.match(stdout, /^GIVEN=yes$/m)
  assert.match(stdout, /^HOME=/m)
})

test('a link that one command leaves cannot send a mount of the next one elsewhere', { skip }, async () => {
  const rw = folder('linked')
  mkdirSync(join(rw, 'a'))
  await using box = sandbox({ cwd: '/', rw: [rw, `${rw}/a:/tmp/seen`] })
  await box.run(['/bin/sh', '-c', `mv ${rw}/a ${rw}/b; ln -s /etc ${rw}/a`])
  await assert.rejects(
    box.run(['/bin/ls', '/tmp/seen']),
    (error) => error instanceof RuntimeError && error.errno === 'ESTALE',
  )
})
