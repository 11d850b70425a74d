/** A hostile command against the walls of its sandbox. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import os, { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type SandboxOptions, sandbox } from '../../src/index.ts'
import { needs } from '../fixtures/needs.ts'

const skip = needs('userns', 'unshare') ?? false
const place = realpathSync(mkdtempSync(join(tmpdir(), 'usnea-escape-')))
after(() => rmSync(place, { recursive: true, force: true }))

async function sh(script: string, options: SandboxOptions = {}) {
  await using box = sandbox({ cwd: '/', ...options })
  return await box.run(['/bin/sh', '-c', script], { reject: false })
}

test('a user namespace inside cannot take the covers off', { skip }, async () => {
  writeFileSync(join(place, 'secret'), 'secret')
  const script = `unshare -Urm sh -c 'umount /tmp; umount -l /tmp; umount -R /tmp; umount -l ${homedir()}; ls -A /tmp ${homedir()}; cat ${place}/secret'; true`
  const { stdout, stderr } = await sh(script, { nested: true })
  assert.doesNotMatch(stdout, /secret/)
  assert.match(stderr, /umount|not permitted|Invalid argument|must be superuser/i)
})

test('a user namespace inside cannot make the host writable', { skip }, async () => {
  const { stdout } = await sh(
    "unshare -Urm sh -c 'mount -o remount,rw / 2>/dev/null; mount -o remount,bind,rw / 2>/dev/null; touch /usnea-escaped && echo written'; true",
    { nested: true },
  )
  assert.doesNotMatch(stdout, /written/)
})

test('by default a command cannot make a user namespace at all', { skip }, async () => {
  const { stdout, stderr } = await sh('unshare -U true && echo made; true')
  assert.doesNotMatch(stdout, /made/)
  assert.match(stderr, /unshare/)
})

test('no descriptor of the caller is visible inside', { skip }, async () => {
  const fd = openSync('/etc/hostname', 'r')
  const { stdout } = await sh('ls -l /proc/self/fd /proc/1/fd 2>&1; true')
  closeSync(fd)
  assert.doesNotMatch(stdout, /hostname|memfd:usnea-plan/)
})

test('the PID 1 of the sandbox cannot be looked into or killed from inside', { skip }, async () => {
  const { stdout } = await sh(
    'cat /proc/1/environ /proc/1/maps 2>/dev/null | head -c1 | wc -c; kill -9 1; kill -15 1; sleep 0.1; echo alive',
  )
  assert.match(stdout, /alive/)
})

test('kernel parameters cannot be written, as real root neither', { skip }, async () => {
  const { stdout } = await sh(
    'for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/sys/vm/panic_on_oom; do (echo x > $f) 2>/dev/null && echo "wrote $f"; done; true',
  )
  assert.equal(stdout, '')
})

test('what the command leaves running ends with it', { skip }, async () => {
  const marker = `usnea-left-${process.pid}`
  await sh(`(exec -a ${marker} sleep 300 || sleep 300) & setsid sleep 300 & exit 0`)
  const { stdout } = await sh('true')
  assert.equal(stdout, '')
  const { execFileSync } = await import('node:child_process')
  const list = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
  assert.doesNotMatch(list, new RegExp(marker))
})

test('a command cannot forge its own result over the conversation', { skip }, async () => {
  const { exitCode } = await sh(
    'for fd in 3 4 5 6 7; do printf "\\012\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000" >&$fd; done 2>/dev/null; exit 9',
  )
  assert.equal(exitCode, 9)
})

test('a directory as stdin is refused: from its descriptor the host could be walked', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  const directory = openSync(place, 'r')
  assert.throws(() => box.spawn(['ls', '/proc/self/fd/0/../..'], { stdio: [directory, 'pipe', 'pipe'] }), {
    errno: 'EISDIR',
  })
  closeSync(directory)
})

test('a device node outside of /dev cannot be opened, as real root neither', {
  skip: skip || needs('root') || false,
}, async () => {
  const { execFileSync } = await import('node:child_process')
  const directory = join(place, 'nodes')
  mkdirSync(directory)
  execFileSync('mknod', [join(directory, 'zero'), 'c', '1', '5'])
  for (const options of [{ ro: [directory] }, { rw: [directory] }]) {
    const { stdout } = await sh(`head -c 1 ${directory}/zero && echo opened; true`, options)
    assert.doesNotMatch(stdout, /opened/)
  }
})

test('what the host mounts later does not appear inside', {
  skip: skip || needs('root', 'unshare') || false,
}, async () => {
  const { execFileSync } = await import('node:child_process')
  const target = join(place, 'later')
  mkdirSync(target)
  const script = `
    mount --make-rshared /; mkdir -p ${target}
    ${process.execPath} --input-type=module -e "
      import { sandbox } from '${new URL('../../dist/lib/index.js', import.meta.url).pathname}'
      import { execFileSync } from 'node:child_process'
      const box = sandbox({ cwd: '/', ro: ['${place}'] })
      const running = box.spawn(['sh', '-c', 'read _; ls -A ${target}'])
      await new Promise((resolve) => setTimeout(resolve, 300))
      execFileSync('mount', ['-t', 'tmpfs', 'later', '${target}'])
      execFileSync('touch', ['${target}/appeared'])
      running.stdin.end('go')
      for await (const chunk of running.stdout) process.stdout.write(chunk)
    "`
  const output = execFileSync('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script], { encoding: 'utf8' })
  assert.doesNotMatch(output, /appeared/)
})

test('the process group of the caller, which a command is in at a terminal, is out of its reach', {
  skip: skip || (needs('python3') ?? false),
}, () => {
  // As on kernels where nobody can type into a terminal: there the command stays in the session of its caller.
  writeFileSync(join(place, 'legacy_tiocsti'), '0\n')
  writeFileSync(
    join(place, 'reach.py'),
    `import os, signal
for reach in (lambda: os.kill(0, signal.SIGKILL), lambda: os.setpriority(os.PRIO_PGRP, 0, 5)):
    try: print("reached", reach())
    except PermissionError: print("refused in group", os.getpgid(0))`,
  )
  const usnea = fileURLToPath(new URL('../../bin/usnea', import.meta.url))
  const caller = `${usnea} --no-config --ro ${place} -- python3 ${place}/reach.py; echo "the caller lives at $(nice)"`
  const terminal = 'import pty, sys; sys.exit(pty.spawn(["sh", "-c", sys.argv[1]]))'
  const before = `mount --bind ${place}/legacy_tiocsti /proc/sys/dev/tty/legacy_tiocsti && exec python3 -c '${terminal}' "$0"`
  const { stdout } = spawnSync('unshare', [process.getuid?.() === 0 ? '-m' : '-Urm', 'sh', '-c', before, caller], {
    encoding: 'utf8',
  })
  assert.deepEqual(stdout.trim().split(/\r?\n/), [
    'refused in group 0',
    'refused in group 0',
    `the caller lives at ${os.getPriority()}`,
  ])
})
