// Needs root, unshare and python3: the journal and the system log, played by a listener in a mount namespace of its own.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { call, stateRoot } from '../fixtures/command-line.ts'
import { runtimePath } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'

const usnea = await runtimePath()
const skip = needs('root', 'unshare', 'python3')

/** Covers the place of the socket, listens there, calls usnea, and prints what it said and what was heard. */
const listener = `
import json, os, socket, subprocess, sys
path, root, program, log = sys.argv[1:5]
top = '/' + path.split('/')[1]
subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', top], check=True)
os.makedirs(os.path.dirname(path), exist_ok=True)
if top == '/dev':
    for name, minor in (('null', 3), ('zero', 5), ('urandom', 9)):
        os.mknod('/dev/' + name, 0o20666, os.makedev(1, minor))
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind(path)
heard.settimeout(20)
done = subprocess.run([program, '--root', root, '--log', log, 'state', 'gone'], capture_output=True, text=True, env={})
print(json.dumps({'status': done.returncode, 'stderr': done.stderr, 'heard': heard.recv(65536).decode('latin1')}))
`

const places = {
  'journald:box': [
    '/run/systemd/journal/socket',
    /^PRIORITY=3\nSYSLOG_IDENTIFIER=box\nMESSAGE\n[\s\S]{8}container does not exist/,
  ],
  'syslog:box': ['/dev/log', /^<11>\w{3} [ \d]\d \d\d:\d\d:\d\d box\[\d+\]: container does not exist/],
} as const

for (const [log, [path, words]] of Object.entries(places)) {
  test(`--log ${log} sends the one error to ${path}, and stderr has the plain words`, { skip }, () => {
    const argv = ['--mount', '--propagation', 'private', 'python3', '-c', listener, path, stateRoot, usnea, log]
    const { status, stdout, stderr } = spawnSync('unshare', argv, { encoding: 'utf8', timeout: 60_000 })
    assert.equal(status, 0, stderr)
    const outcome = JSON.parse(stdout)
    assert.equal(outcome.status, 1)
    assert.match(outcome.stderr, /^container does not exist[^\n]*\n$/)
    assert.match(outcome.heard, words)
  })
}

test('a system log that nobody listens to is one clear error', { skip }, () => {
  const script = 'mount -t tmpfs tmpfs /run && exec "$@"'
  const argv = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', usnea, '--log', 'journald:box', 'list']
  const { status, stderr } = spawnSync('unshare', argv, { encoding: 'utf8', env: { PATH: process.env.PATH } })
  assert.equal(status, 1, stderr)
  assert.match(
    stderr,
    /^[^\n]*the log journald:box cannot be written: connect [^\n]*no such file[^\n]*--log FILE[^\n]*\n$/,
  )
})

test('a system log needs a name', () => {
  assert.match(call('--log', 'syslog:', 'list').stderr, /--log syslog:ID needs an identifier/)
})
