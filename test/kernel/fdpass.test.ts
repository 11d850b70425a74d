/** Descriptors over unix sockets, against a server of Node's own. */
import assert from 'node:assert/strict'
import { closeSync, fstatSync, mkdirSync, mkdtempSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectUnix, receiveMessage, sendMessage, sendTo } from '../../src/kernel/fdpass.ts'
import { runDirectory } from '../fixtures/run-directory.ts'

const scratch = mkdtempSync(join(runDirectory(), 'fdpass-'))

/** A listening socket; what connects is left to us to read. */
async function listen(path: string): Promise<{ server: Server; accepted: Promise<number> }> {
  const server = createServer({ pauseOnConnect: true })
  const accepted = new Promise<number>((resolve) =>
    server.on('connection', (socket: Socket & { _handle?: { fd: number } }) => resolve(socket._handle?.fd ?? -1)),
  )
  // By a short name: a server of Node knows no way around the length of sun_path.
  const before = process.cwd()
  process.chdir(join(path, '..'))
  await new Promise<void>((resolve) => server.listen(path.split('/').at(-1), resolve))
  process.chdir(before)
  return { server, accepted }
}

function deepPath(): string {
  const deep = join(scratch, ...Array.from({ length: 4 }, () => 'd'.repeat(100)))
  mkdirSync(deep, { recursive: true })
  return join(deep, 'socket')
}

const receive = (fd: number) => {
  const buffer = Buffer.alloc(100)
  const got = receiveMessage(fd, buffer)
  assert.ok(!('refused' in got), JSON.stringify(got))
  return { text: buffer.subarray(0, got.size).toString(), fds: got.fds }
}

for (const [name, path] of [
  ['a short path', join(scratch, 'short')],
  ['a path longer than sun_path', deepPath()],
] as const)
  test(`a descriptor arrives as the same open file, close-on-exec, over ${name}`, async () => {
    const { server, accepted } = await listen(path)
    const file = join(scratch, 'file')
    writeFileSync(file, 'content')
    const fd = openSync(file, 'r')
    assert.equal(sendTo(path, '/dev/pts/0', [fd]), undefined)
    const socket = await accepted
    const { text, fds } = receive(socket)
    assert.equal(text, '/dev/pts/0')
    assert.equal(fds.length, 1)
    const [got = -1] = fds
    assert.equal(fstatSync(got).ino, fstatSync(fd).ino)
    assert.match(readFileSync(`/proc/self/fdinfo/${got}`, 'utf8'), /^flags:\s+02/m) // O_CLOEXEC
    const byte = Buffer.alloc(1)
    readSync(got, byte)
    assert.equal(byte.toString(), 'c')
    assert.deepEqual(receive(socket), { text: '', fds: [] })
    for (const ours of [got, fd]) closeSync(ours)
    server.close()
  })

test('several descriptors keep their order, and a message without any has none', async () => {
  const path = join(scratch, 'several')
  const { server, accepted } = await listen(path)
  const sent = [1, 2, 3].map((n) => openSync(join(scratch, `file-${n}`), 'w'))
  const socket = connectUnix(path)
  assert.ok(typeof socket === 'number')
  assert.equal(sendMessage(socket, 'three', sent), undefined)
  const other = await accepted
  const { fds } = receive(other)
  assert.deepEqual(
    fds.map((fd) => fstatSync(fd).ino),
    sent.map((fd) => fstatSync(fd).ino),
  )
  assert.equal(sendMessage(socket, 'none', []), undefined)
  assert.deepEqual(receive(other), { text: 'none', fds: [] })
  for (const fd of [...fds, ...sent, socket]) closeSync(fd)
  server.close()
})

test('what is no listening socket is refused by its errno', async () => {
  const file = join(scratch, 'plain')
  writeFileSync(file, '')
  assert.deepEqual(connectUnix(file), { refused: 'ENOTSOCK' })
  assert.deepEqual(connectUnix(scratch), { refused: 'ENOTSOCK' })
  assert.deepEqual(connectUnix(join(scratch, 'missing')), { refused: 'ENOENT' })
})

test('a reader that is gone is an errno and no signal', async () => {
  const path = join(scratch, 'gone')
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const closed = new Promise((resolve) => server.on('connection', (socket) => socket.on('close', resolve)))
  const socket = connectUnix(path)
  assert.ok(typeof socket === 'number')
  await closed
  assert.deepEqual(sendMessage(socket, 'text', [0]), { refused: 'EPIPE' })
  closeSync(socket)
  server.close()
})
