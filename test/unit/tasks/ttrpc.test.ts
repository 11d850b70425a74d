import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { taskMethods } from '../../../src/tasks/protobuf/task.ts'
import { CallError } from '../../../src/tasks/ttrpc/call.ts'
import { TtrpcClient } from '../../../src/tasks/ttrpc/client.ts'
import { encodeFrame, FrameReader, frameFlags, LARGEST_MESSAGE } from '../../../src/tasks/ttrpc/frame.ts'
import { handler, serveTtrpc } from '../../../src/tasks/ttrpc/server.ts'

const method = <M extends keyof typeof taskMethods>(name: M) => ({ service: 'task', name, ...taskMethods[name] })

const releases: (() => void)[] = []
const order: string[] = []
const services = {
  task: {
    Start: handler(taskMethods.Start.request, taskMethods.Start.response, async ({ id }) => {
      order.push(id)
      if (id === 'slow') await new Promise<void>((resolve) => releases.push(resolve))
      if (id === 'missing') throw new CallError('notFound', 'process missing does not exist')
      if (id === 'broken') throw new Error('it broke')
      return { pid: id.length }
    }),
    Stats: handler(taskMethods.Stats.request, taskMethods.Stats.response, async () => ({
      stats: { typeUrl: 'x', value: new Uint8Array(LARGEST_MESSAGE) },
    })),
  },
}

describe('ttrpc', () => {
  const directory = mkdtempSync(join(tmpdir(), 'usnea-ttrpc-'))
  const path = join(directory, 's')
  let server: Server
  let serve = (socket: Socket) => serveTtrpc(socket, services)
  const sockets: Socket[] = []

  before(async () => {
    server = createServer((socket) => {
      sockets.push(socket)
      serve(socket)
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
  })
  after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
    rmSync(directory, { recursive: true })
  })

  const refused = (code: string, text: RegExp) => (error: unknown) => {
    assert.ok(error instanceof CallError)
    assert.equal(error.code, code)
    assert.match(error.message, text)
    return true
  }

  it('answers overlapping calls, each caller its own', async () => {
    const client = await TtrpcClient.connect(path)
    const slow = client.call(method('Start'), { id: 'slow' })
    assert.deepEqual(await client.call(method('Start'), { id: 'abc' }), { pid: 3 })
    releases.shift()?.()
    assert.deepEqual(await slow, { pid: 4 })
    client.close()
  })

  it('begins calls in the order in which they came, more than it holds at once', async () => {
    const client = await TtrpcClient.connect(path)
    order.length = 0
    const ids = Array.from({ length: 300 }, (_, at) => `t${at}`)
    await Promise.all(ids.map((id) => client.call(method('Start'), { id })))
    assert.deepEqual(order, ids)
    client.close()
  })

  it('hands errors over with their codes', async () => {
    const client = await TtrpcClient.connect(path)
    await assert.rejects(client.call(method('Start'), { id: 'missing' }), refused('notFound', /missing does not exist/))
    await assert.rejects(client.call(method('Start'), { id: 'broken' }), refused('unknown', /^it broke$/))
    await assert.rejects(client.call(method('Pause'), { id: 'x' }), refused('unimplemented', /no method Pause/))
    await assert.rejects(client.call(method('Stats'), { id: 'x' }), refused('resourceExhausted', /at most/))
    const large = { id: 'x'.repeat(LARGEST_MESSAGE) }
    await assert.rejects(client.call(method('Start'), large), refused('resourceExhausted', /at most/))
    assert.deepEqual(await client.call(method('Start'), { id: 'still here' }), { pid: 10 })
    client.close()
  })

  it('gives up in time, and on a signal, and an answer that comes late is nobody’s', async () => {
    const client = await TtrpcClient.connect(path)
    await assert.rejects(
      client.call(method('Start'), { id: 'slow' }, { timeout: 20 }),
      refused('deadlineExceeded', /20/),
    )
    const controller = new AbortController()
    const given = client.call(method('Start'), { id: 'slow' }, { signal: controller.signal })
    controller.abort()
    await assert.rejects(given, refused('cancelled', /given up/))
    for (const release of releases.splice(0)) release()
    assert.deepEqual(await client.call(method('Start'), { id: 'ab' }), { pid: 2 })
    client.close()
  })

  it('fails the calls that wait when the other side dies, and the later ones', async () => {
    const client = await TtrpcClient.connect(path)
    const waiting = client.call(method('Start'), { id: 'slow' })
    const fails = assert.rejects(waiting, refused('unavailable', /closed|ECONNRESET/))
    while (releases.length === 0) await new Promise(setImmediate)
    sockets.at(-1)?.destroy()
    await fails
    await client.closed
    await assert.rejects(client.call(method('Start'), { id: 'x' }), refused('unavailable', /closed|ECONNRESET/))
    releases.shift()?.()
  })

  it('says who is not there', async () => {
    await assert.rejects(TtrpcClient.connect(join(directory, 'none')), refused('unavailable', /ENOENT/))
  })

  it('cuts a client off that talks garbage, and a server', async () => {
    const client = await TtrpcClient.connect(path)
    const socket = sockets.at(-1) as Socket
    const waiting = client.call(method('Start'), { id: 'slow' })
    const fails = assert.rejects(waiting, refused('unavailable', /not ttrpc/))
    while (releases.length === 0) await new Promise(setImmediate)
    socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')
    await fails
    releases.shift()?.()

    const { connect } = await import('node:net')
    const garbage = connect(path)
    garbage.end('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await new Promise((resolve) => garbage.resume().once('close', resolve))
  })

  it('refuses frames that no client may send, and goes on', async () => {
    const { connect } = await import('node:net')
    const raw = connect(path)
    const reader = new FrameReader()
    const answers: number[] = []
    const done = new Promise<void>((resolve) => {
      raw.on('data', (chunk) => {
        reader.push(chunk)
        for (let frame = reader.shift(); frame; frame = reader.shift()) answers.push(frame.stream)
        if (answers.length === 4) resolve()
      })
    })
    const data = new Uint8Array()
    raw.write(encodeFrame({ stream: 2, type: 1, flags: 0, data }))
    raw.write(encodeFrame({ stream: 3, type: 3, flags: 0, data }))
    raw.write(encodeFrame({ stream: 5, type: 1, flags: frameFlags.remoteOpen, data }))
    raw.write(encodeFrame({ stream: 7, type: 1, flags: 0, data: Uint8Array.of(0xff) }))
    await done
    assert.deepEqual(answers, [2, 3, 5, 7])
    raw.destroy()
  })

  it('takes an answer of another kind, or one that is none, for an error', async () => {
    serve = (socket) => {
      let stream = 1
      socket.on('data', () => {
        const frames = [
          { type: 3, data: new Uint8Array() },
          { type: 2, data: Uint8Array.of(0xff, 0xff) },
        ]
        socket.write(
          encodeFrame({ stream, flags: 0, ...(frames[(stream - 1) / 2] ?? { type: 2, data: new Uint8Array() }) }),
        )
        stream += 2
      })
    }
    const client = await TtrpcClient.connect(path)
    await assert.rejects(client.call(method('Start'), { id: 'a' }), refused('internal', /type 3/))
    await assert.rejects(client.call(method('Start'), { id: 'a' }), refused('dataLoss', /cannot be read/))
    assert.deepEqual(await client.call(method('Start'), { id: 'a' }), { pid: 0 })
    client.close()
  })
})
