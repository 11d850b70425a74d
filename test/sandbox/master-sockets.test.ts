/** Sockets that make whoever may talk to them root: those outside of the private places are closed too. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { whyNot } from '../fixtures/as.ts'
import { runtimePath } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'
import { worldOf } from '../fixtures/shared-worlds.ts'

const skip = needs('root', 'unshare', 'setpriv', 'python3') ?? whyNot('plain') ?? false

/** Engines of a mount namespace of its own, which say so to whoever connects; then what follows, as a user. */
const engines = `
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /mnt
mkdir -p /var/lib/incus /var/lib/lxd /mnt/other /mnt/sockets /var/lib/postgresql
/usr/bin/python3 -c '
import os, socket, threading
for path in ("/var/lib/incus/unix.socket", "/var/lib/lxd/unix.socket", "/var/lib/postgresql/socket"):
    one = socket.socket(socket.AF_UNIX)
    one.bind(path)
    os.chmod(path, 0o666)
    one.listen(8)
    def serve(one=one, path=path):
        while True: one.accept()[0].send(path.encode())
    threading.Thread(target=serve).start()
print("ready", flush=True)
' > /mnt/log &
server=$!
until grep -q ready /mnt/log; do sleep 0.05; done
mount --bind /var/lib/incus /mnt/other
set +e
setpriv --reuid "$1" --regid "$1" --clear-groups -- "$2" sandbox --no-config $OPTIONS -- /usr/bin/python3 -c '
import socket
for path in ("/var/lib/incus/unix.socket", "/var/lib/lxd/unix.socket", "/mnt/other/unix.socket", "/var/lib/postgresql/socket"):
    try:
        one = socket.socket(socket.AF_UNIX)
        one.connect(path)
        print(path, one.recv(64).decode())
    except OSError as error: print(path, "closed")
'
kill $server
`

async function reached(options: string): Promise<string[]> {
  const { user } = (await worldOf('plain')).identity
  const argv = ['-m', '/bin/sh', '-c', engines, 'sh', String(user.uid), await runtimePath()]
  const { stdout, stderr } = spawnSync('unshare', argv, {
    encoding: 'utf8',
    cwd: '/',
    env: { PATH: process.env.PATH, HOME: '/nonexistent', OPTIONS: options },
  })
  assert.notEqual(stdout, '', stderr)
  return stdout.split('\n').filter((line) => line !== '' && !line.endsWith('closed'))
}

test('sockets of LXD and Incus are closed, by any path, and another one is not', { skip }, async () => {
  assert.deepEqual(await reached(''), ['/var/lib/postgresql/socket /var/lib/postgresql/socket'])
})

test('who names one opens that', { skip }, async () => {
  assert.deepEqual(await reached('--socket /var/lib/incus/unix.socket'), [
    '/var/lib/incus/unix.socket /var/lib/incus/unix.socket',
    '/var/lib/postgresql/socket /var/lib/postgresql/socket',
  ])
})
