/** What clients of a sandbox send first: ClientHellos, questions to a name server, requests to a proxy. */
import assert from 'node:assert/strict'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { connect } from 'node:tls'
import fc from 'fast-check'
import { peekClientHello } from '../../../../src/sandbox/egress/client-hello.ts'
import { readQuestion, writeAnswer } from '../../../../src/sandbox/egress/dns-message.ts'
import { proxyReply, readRequest } from '../../../../src/sandbox/egress/proxy-request.ts'

/** What this Node says to a server of that name. */
function hello(servername: string): Promise<Buffer> {
  return new Promise((done) => {
    const server = createServer((socket) => {
      socket.once('data', (bytes) => {
        socket.destroy()
        server.close()
        done(bytes)
      })
      socket.on('error', () => {})
    })
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      connect({ host: '127.0.0.1', port, ...(servername ? { servername } : {}) }).on('error', () => {})
    })
  })
}

let named: Buffer
let nameless: Buffer
before(async () => {
  named = await hello('Good.example.org')
  nameless = await hello('')
})
after(() => {})

/** The same message in records of that size. */
function inRecords(bytes: Buffer, size: number): Buffer {
  const message = bytes.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size)
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part)
  }
  return Buffer.concat(records)
}

test('the server name is read, in one piece and in records of any size', () => {
  assert.deepEqual(peekClientHello(named), { serverName: 'good.example.org' })
  assert.deepEqual(peekClientHello(nameless), { serverName: undefined })
  for (const size of [1, 7, 100])
    assert.deepEqual(peekClientHello(inRecords(named, size)), { serverName: 'good.example.org' })
})

test('a hello that is not whole is never passed, and what is no TLS is seen at its first byte', () => {
  for (let end = 0; end < named.length; end++) assert.equal(peekClientHello(named.subarray(0, end)), 'more', `${end}`)
  for (const text of ['GET / HTTP/1.1', 'SSH-2.0-x', '\x80\x2e\x01'])
    assert.equal(peekClientHello(Buffer.from(text, 'latin1')), 'other')
})

test('what some servers take for TLS is looked into too: an odd version of the record, and records before the hello', () => {
  for (const version of [0x0000, 0x0200, 0x0fff]) {
    const odd = Buffer.from(named)
    odd.writeUInt16BE(version, 1)
    assert.deepEqual(peekClientHello(odd), { serverName: 'good.example.org' })
    for (let end = 0; end < odd.length; end++) assert.equal(peekClientHello(odd.subarray(0, end)), 'more', `${end}`)
  }
  for (const before of [
    [20, 3, 3, 0, 1, 1],
    [21, 3, 1, 0, 2, 1, 100],
    [21, 0, 0, 0, 2, 1, 0],
  ]) {
    const bytes = Buffer.concat([Buffer.from(before), named])
    assert.equal(peekClientHello(bytes), 'broken')
    for (const end of [1, 2, 3, 4]) assert.equal(peekClientHello(bytes.subarray(0, end)), 'more')
  }
  for (const other of [
    [20, 0, 0, 0, 9],
    [21, 0, 0, 1],
    [22, 16],
    [22, 0, 0, 0, 9, 7],
    [23, 3, 3],
  ])
    assert.equal(peekClientHello(Buffer.from(other)), 'other', `${other}`)
})

test('two names, two extensions or an empty name are broken: two readers might choose differently', () => {
  const at = named.indexOf('Good.example.org') - 9
  const extension = named.subarray(at, at + 9 + 16)
  const grown = Buffer.concat([named, extension])
  const add = (offset: number, size: number) =>
    grown.writeUIntBE(grown.readUIntBE(offset, size) + extension.length, offset, size)
  add(3, 2)
  add(6, 3)
  let extensions = 5 + 4 + 34
  extensions += 1 + grown.readUInt8(extensions)
  extensions += 2 + grown.readUInt16BE(extensions)
  extensions += 1 + grown.readUInt8(extensions)
  add(extensions, 2)
  assert.equal(peekClientHello(grown), 'broken')
  const empty = Buffer.from(named)
  empty.writeUInt16BE(0, at + 7)
  assert.equal(peekClientHello(empty), 'broken')
})

test('whatever bytes come, a hello has an answer, and none but the real name is read from changed ones', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => void peekClientHello(Buffer.from([22, 3, 1, ...bytes]))),
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => void readQuestion(Buffer.from(bytes))))
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 80 }),
      fc.boolean(),
      (bytes, greeted) => void readRequest(Buffer.from(bytes), greeted),
    ),
  )
})

function query(name: string, { type = 1, edns = false } = {}): Buffer {
  const labels = name
    .split('.')
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]))
  const opt = edns ? Buffer.from([0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0]) : Buffer.alloc(0)
  const head = Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, edns ? 1 : 0])
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, type, 0, 1]), opt])
}

test('a question is read, and its answer repeats it with the case of its letters', () => {
  const question = readQuestion(query('GooD.example.org', { edns: true }))
  assert.ok(question && 'name' in question)
  assert.equal(question.name, 'good.example.org')
  const answer = writeAnswer(question, { code: 0, addresses: [0x0b000001], ttl: 60, room: 512 })
  assert.deepEqual([...answer.subarray(0, 12)], [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 1])
  assert.ok(answer.includes('GooD'))
  assert.ok(answer.includes(Buffer.from([0, 4, 11, 0, 0, 1])))
})

test('an answer that has no room is cut off and says so', () => {
  const question = readQuestion(query('a.example'))
  assert.ok(question && 'name' in question)
  const answer = writeAnswer(question, { code: 0, addresses: Array(100).fill(1), room: 512 })
  assert.ok(answer.length <= 512)
  assert.equal(answer.readUInt16BE(2) & 0x0200, 0x0200)
})

test('what is no plain question is refused, and an answer is none', () => {
  const bytes = query('a.example')
  const change = (at: number, value: number) => Buffer.from(bytes).fill(value, at, at + 1)
  assert.equal(readQuestion(change(2, 0x81)), undefined)
  assert.deepEqual(readQuestion(change(2, 0x29)), { id: 0x1234, refuse: 4 })
  assert.deepEqual(readQuestion(change(5, 2)), { id: 0x1234, refuse: 1 })
  assert.deepEqual(readQuestion(change(12, 0xc0)), { id: 0x1234, refuse: 1 })
  assert.deepEqual(readQuestion(query('a\u0000.example')), { id: 0x1234, refuse: 1 })
  assert.equal(readQuestion(bytes.subarray(0, 11)), undefined)
})

test('requests to a proxy are read in its three languages', () => {
  const read = (text: string) => readRequest(Buffer.from(text, 'latin1'), false)
  assert.deepEqual(read('CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\n\r\nrest'), {
    target: { host: 'a.example', port: 443 },
    style: 'connect',
    first: Buffer.from('rest'),
  })
  const plain = read(
    'GET http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\nProxy-Authorization: secret\r\nConnection: keep-alive\r\n\r\n',
  )
  assert.deepEqual(plain, {
    target: { host: 'a.example', port: 80 },
    style: 'plain',
    first: Buffer.from('GET /x?y HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n'),
  })
  assert.deepEqual(readRequest(Buffer.from([5, 2, 0, 2]), false), { greet: Buffer.from([5, 0]), rest: Buffer.alloc(0) })
  const socks = readRequest(Buffer.from([5, 1, 0, 3, 1, 97, 1, 187, 9]), true)
  assert.deepEqual(socks, { target: { host: 'a', port: 443 }, style: 'socks', first: Buffer.from([9]) })
  for (const text of [
    'GET / HTTP/1.1\r\n\r\n',
    'CONNECT a HTTP/1.1\r\n\r\n',
    'CONNECT u@a:1 HTTP/1.1\r\n\r\n',
    'x\r\n\r\n',
  ])
    assert.equal(read(text), 'broken', text)
  assert.equal(read('CONNECT a'), 'more')
  assert.equal(proxyReply('plain', 'connected').length, 0)
})
