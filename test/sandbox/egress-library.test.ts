/** Allowed hosts from the library, also where the kernel has no netfilter: several sandboxes, events, bad options. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { type NetworkEvent, sandbox } from '../../src/index.ts'
import { needs } from '../fixtures/needs.ts'
import { until } from '../fixtures/until.ts'

const skip = needs('userns', 'python3') ?? false

const tries = `
import errno, socket
def attempt(host, port):
    try: socket.create_connection((host, port), 20).recv(1)
    except OSError as error: return errno.errorcode.get(error.errno, str(error))
    return 'connected'
print(attempt('11.0.0.1', 443), attempt('11.0.0.1', 8443), attempt('169.254.169.254', 443), attempt('nobody.invalid', 443))`

test('without netfilter only the ports that rules name are carried, which is said', { skip }, async () => {
  const events: NetworkEvent[] = []
  const allowHosts = ['*.example.org:443']
  await using box = sandbox({ allowHosts, netfilter: false, onNetwork: (event) => events.push(event), cwd: '/' })
  const { stdout, degradations } = await box.run(['python3', '-c', tries])
  assert.match(stdout, /^ECONNRESET ECONNREFUSED ECONNRESET \[?.*/)
  assert.deepEqual(degradations, [
    { pointer: 'allow-host', message: 'only these ports are carried, as netfilter is off: 443' },
  ])
  assert.deepEqual(
    events.map(({ verdict, reason, address, host }) => [verdict, reason, address ?? host]),
    [
      ['weaker', 'only-named-ports', undefined],
      ['refused', 'address-not-known', '11.0.0.1'],
      ['refused', 'address-closed', '169.254.169.254'],
      ['refused', 'name-not-allowed', 'nobody.invalid'],
    ],
  )
})

test('what is decided can be heard of the sandbox too, by whoever comes later', { skip }, async () => {
  await using box = sandbox({ allowHosts: ['*.example.org:443'], cwd: '/' })
  const heard = once(box, 'network', { signal: AbortSignal.timeout(20_000) })
  const later: NetworkEvent[] = []
  box.on('network', (event) => later.push(event)).once('network', () => box.removeAllListeners('network'))
  await box.run(['python3', '-c', tries])
  assert.equal(((await heard) as NetworkEvent[])[0]?.verdict, 'refused')
  assert.equal(later.length, 1, 'nobody listens any more')
})

test('sandboxes with different hosts stand side by side, and nothing stays open behind them', { skip }, async () => {
  const before = process.getActiveResourcesInfo().filter((kind) => /TCP|UDP|Pipe/.test(kind)).length
  const boxes = [['a.example.org'], ['11.9.0.0/16'], undefined].map((hosts) =>
    sandbox({ cwd: '/', ...(hosts ? { allowHosts: hosts } : {}) }),
  )
  const results = await Promise.all(boxes.map((box) => box.run(['python3', '-c', tries])))
  assert.match(results[0]?.stdout ?? '', /^ECONNRESET ECONNRESET ECONNRESET/)
  assert.match(results[2]?.stdout ?? '', /^ENETUNREACH ENETUNREACH ENETUNREACH/)
  for (const box of boxes) await box[Symbol.asyncDispose]()
  const open = () => process.getActiveResourcesInfo().filter((kind) => /TCP|UDP|Pipe/.test(kind))
  await until('all sockets are closed', () => open().length <= before)
})

test('a rule that says nothing, or something that cannot be had, is an error', { skip }, () => {
  const wrong = ['', 'https://example.org', 'a..b', '1.2.3', '10.0.0.1/8', 'x:0', 'x:70000', 'x:9-1', '[::1]:80']
  for (const host of [...wrong, '::1', 'localhost:80', '127.0.0.1:80', 'a.*.b', '**.x', 'x:', '*.'])
    assert.throws(() => sandbox({ allowHosts: [host] }), { code: 'sandbox-option' }, host)
  assert.throws(() => sandbox({ allowHosts: ['example.org'], net: 'host' }), { code: 'sandbox-option' })
})

const flood = `
import select, socket, time
def begin():
    s = socket.create_connection(('127.0.0.1', 13128), 20)
    s.sendall(b'CONNECT half')
    return s
held = [begin() for _ in range(600)]
deadline = time.time() + 20
reset = set()
while len(reset) < 88 and time.time() < deadline:
    for s in select.select([s for s in held if s not in reset], [], [], 1)[0]:
        try: s.recv(1)
        except ConnectionResetError: reset.add(s)
print(len(reset), 'refused')
for s in held: s.close()
while True:
    s = socket.create_connection(('127.0.0.1', 13128), 20)
    s.sendall(b'CONNECT evil.example:443 HTTP/1.1' + bytes([13, 10, 13, 10]))
    try: answer = s.recv(99)
    except ConnectionResetError: continue
    if answer: break
print(answer.split(bytes([13]))[0].decode())`

test('a command that opens connections without end fills its own share only, and is served again', {
  skip,
}, async () => {
  await using box = sandbox({ allowHosts: ['example.org'], cwd: '/', timeout: 60_000 })
  const { stdout } = await box.run(['sh', '-c', 'ulimit -n 1000; exec python3 -c "$0"', flood])
  assert.equal(stdout, '88 refused\nHTTP/1.1 403 Forbidden')
})

const pile = `
import select, socket
name = b''.join(bytes([60]) + b'a' * 60 for _ in range(4)) + bytes(1)
question = bytes([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]) + name + bytes([0, 1, 0, 1])
whole = (len(question).to_bytes(2, 'big') + question) * 200
client = socket.socket()
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
client.connect(('127.0.0.1', 53))
client.setblocking(False)
sent = 0
while sent < 2**24 and select.select([], [client], [], 2)[1]:
    sent += client.send(whole)
print('endless' if sent >= 2**24 else 'held back')`

test('whoever asks the name server on and on and reads no answer is held back, as they would lie in our memory', {
  skip,
}, async () => {
  await using box = sandbox({ allowHosts: ['example.org'], cwd: '/', timeout: 60_000 })
  const { stdout } = await box.run(['python3', '-c', pile])
  assert.equal(stdout, 'held back')
})
