/** Networks that pasta and slirp4netns connect: what is published is reached, and nothing of it stays behind. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { sandbox } from '../../src/index.ts'
import { as } from '../fixtures/as.ts'
import { runtimePath } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'
import { allProcesses, linkOf } from '../fixtures/processes.ts'
import { runDirectory } from '../fixtures/run-directory.ts'
import { until } from '../fixtures/until.ts'
import { isRoot } from '../fixtures/users.ts'

const run = promisify(execFile)
const programs = ['pasta', 'slirp4netns'] as const
const whyNot = (name: (typeof programs)[number]) =>
  needs('userns', name, 'tun', 'ip', 'curl', 'python3', 'unshare', 'setpriv') ?? false

/** Empty for one that has ended. */
function wordsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** A server of the command for one request. */
const serve = `import socket
server = socket.create_server(('0.0.0.0', 8080))
print('ready', flush=True)
peer, _ = server.accept()
peer.recv(9999)
peer.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\nfrom inside\\n')
peer.close()`

/** Without udev the device is root's alone. */
const openTun = `{ test "$(stat -c %a /dev/net/tun)" = 666 || { mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200; }; }`

/** A host with a default route, in namespaces of its own. */
const host = `${openTun} && ip link set lo up && ip tuntap add dev d0 mode tap && ip address add 11.0.1.1/24 dev d0 && ip link set d0 up &&
ip route add default via 11.0.1.2`

for (const name of programs)
  test(`${name} connects a plain user's command, and a published port leads to it`, {
    skip: whyNot(name),
  }, async () => {
    await using user = await as('plain')
    const become = isRoot
      ? `setpriv --reuid ${user.user.uid} --regid ${user.user.gid} --clear-groups env -i HOME=${user.home}`
      : 'env'
    const usnea = `${become} PATH=/usr/bin:/bin:/usr/sbin ${await runtimePath()} --net ${name} -p 8081:8080 --cwd /`
    const script = `${host} && ${usnea} -- python3 -c "${serve}" | while read line; do echo "$line"; curl -sS http://127.0.0.1:8081/; done`
    const { stdout } = await run('unshare', [
      ...(isRoot ? [] : ['--user', '--map-root-user']),
      '--net',
      '--mount',
      'sh',
      '-c',
      script,
    ])
    assert.equal(stdout, 'ready\nfrom inside\n')
  })

test('pasta publishes on an address of IPv6', {
  skip: whyNot('pasta') || (existsSync('/proc/net/if_inet6') ? false : 'needs IPv6'),
}, async () => {
  const serve6 = serve.replace("'0.0.0.0', 8080)", "'::', 8080), family=socket.AF_INET6")
  // pasta carries IPv6 where the host has a way by it
  const host6 = `${openTun} && ip link set lo up && ip link add d0 type veth peer name d1 && ip address add 11.0.1.1/24 dev d0 &&
    ip -6 address add 2600:9::1/64 dev d0 nodad && ip link set d1 up && ip link set d0 up &&
    ip route add default via 11.0.1.2 && ip -6 route add default via 2600:9::2`
  const usnea = `env PATH=/usr/bin:/bin:/usr/sbin ${await runtimePath()} --net pasta -p '[::1]:8086:8080' --cwd /`
  const script = `${host6} && ${usnea} -- python3 -c "${serve6}" | while read line; do echo "$line"; curl -gsS 'http://[::1]:8086/'; done`
  const enter = [...(isRoot ? [] : ['--user', '--map-root-user']), '--net', '--mount', 'sh', '-c', script]
  const { stdout } = await run('unshare', enter)
  assert.equal(stdout, 'ready\nfrom inside\n')
})

for (const name of programs)
  test(`${name} ends with usnea, also when that is killed at any moment, and no file of it stays`, {
    skip: whyNot(name),
  }, async () => {
    const temporary = mkdtempSync(join(runDirectory(), 'net-'))
    // What is never made needs no one to remove it, whenever we are killed.
    const made: (string | null)[] = []
    const watcher = watch(temporary, (_, path) => void made.push(path))
    const words = ['--net', name, '-p', '28080:80', '--cwd', '/', '--', 'sh', '-c', 'echo up; exec sleep 1000']
    const enter = [...(isRoot ? [] : ['--user', '--map-root-user']), '--net', '--mount', 'sh', '-c']
    const argv = [...enter, `${host} && echo ready && exec "$@"`, 'sh', await runtimePath(), ...words]
    for (const moment of ['up', 150, 350]) {
      const env = { ...process.env, TMPDIR: temporary }
      const child = spawn('unshare', argv, { env, stdio: ['ignore', 'pipe', 'inherit'] })
      let said = ''
      child.stdout.on('data', (chunk) => (said += chunk))
      await until('the host is made', () => said.includes('ready'))
      // It stays in the namespace of its caller, which is this one's alone.
      const network = linkOf(child.pid ?? 0, 'ns/net')
      const ours = () =>
        allProcesses().filter(({ pid }) => linkOf(pid, 'ns/net') === network && wordsOf(pid).includes(name))
      if (moment === 'up') {
        await until('the command runs', () => said.includes('up'))
        assert.ok(ours().some(({ pid }) => pid !== child.pid))
      } else await sleep(Number(moment))
      child.kill('SIGKILL')
      await until(`${name} has ended`, () => ours().length === 0)
      assert.deepEqual(readdirSync(temporary), [], `killed at ${moment}`)
    }
    watcher.close()
    assert.deepEqual(made, [])
  })

for (const name of programs)
  test(`${name}: a port that is taken, or too low for a user, is told as such, and nothing runs`, {
    skip: whyNot(name),
  }, async () => {
    await using user = await as('plain')
    const become = isRoot
      ? `setpriv --reuid ${user.user.uid} --regid ${user.user.gid} --clear-groups env -i HOME=${user.home}`
      : 'env'
    const usnea = `${become} PATH=/usr/bin:/bin:/usr/sbin ${await runtimePath()} --net ${name} --cwd /`
    const script = `${host} && python3 -c "
import socket, subprocess, sys
taken = socket.create_server(('127.0.0.1', 8085))
for port in ('8085', '80'): subprocess.run(sys.argv[1].split() + ['-p', port + ':80', '--', 'echo', 'ran'])
" '${usnea}'`
    const enter = [...(isRoot ? [] : ['--user', '--map-root-user']), '--net', '--mount', 'sh', '-c', script]
    const { stdout, stderr } = await run('unshare', enter)
    assert.equal(stdout, '')
    assert.match(stderr, /port 8085 of 127\.0\.0\.1 cannot be published: EADDRINUSE.*another program listens/)
    if (isRoot)
      assert.match(stderr, /port 80 of 127\.0\.0\.1 cannot be published: permission denied.*ip_unprivileged_port_start/)
  })

test('what cannot be had is an error with a way out', { skip: needs('userns') ?? false }, () => {
  for (const publish of ['80', '0:80', '1:2:3', 'x:80', '80:70000'])
    assert.throws(() => sandbox({ net: 'pasta', publish: [publish] }), { code: 'sandbox-option' }, publish)
  assert.throws(() => sandbox({ net: 'slirp4netns', publish: ['[::1]:8080:80'] }), { code: 'sandbox-option' })
  assert.throws(() => sandbox({ publish: ['8080:80'] }), { code: 'sandbox-option' })
  assert.throws(() => sandbox({ net: 'pasta', allowHosts: ['example.org'] }), { code: 'sandbox-option' })
  if (!existsSync('/usr/bin/pasta')) assert.throws(() => sandbox({ net: 'pasta' }), { code: 'net-program' })
})
