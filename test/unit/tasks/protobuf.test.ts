import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { envelope, forwardRequest, packEvent, unpackEvent } from '../../../src/tasks/protobuf/events.ts'
import { millisecondsOf, timestampOf } from '../../../src/tasks/protobuf/google.ts'
import { message, NoMessage } from '../../../src/tasks/protobuf/message.ts'
import { cgroup1Metrics } from '../../../src/tasks/protobuf/metrics-v1.ts'
import { cgroup2Metrics } from '../../../src/tasks/protobuf/metrics-v2.ts'
import { taskMethods } from '../../../src/tasks/protobuf/task.ts'

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const inHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('Protocol Buffers from tables', () => {
  it('writes what protoc writes, and reads it', () => {
    // protoc --encode=containerd.task.v2.KillRequest: id "box", signal 300, all.
    const bytes = hex('0a 03 62 6f 78 18 ac 02 20 01')
    const { request } = taskMethods.Kill
    assert.equal(inHex(request.encode({ id: 'box', signal: 300, all: true })), inHex(bytes))
    assert.deepEqual(request.decode(bytes), { id: 'box', execId: '', signal: 300, all: true })
  })

  it('does not write zeros, and reads what is absent as zero', () => {
    const { response } = taskMethods.State
    assert.equal(response.encode({ id: '', pid: 0, terminal: false, exitStatus: 0 }).length, 0)
    const nothing = response.decode(new Uint8Array())
    assert.equal(nothing.pid, 0)
    assert.equal(nothing.exitedAt, undefined)
  })

  it('passes over fields that it does not know', () => {
    const bytes = hex('a0 06 01  aa 06 02 61 62  ad 06 01 02 03 04  a9 06 01 02 03 04 05 06 07 08  0a 01 78')
    assert.equal(taskMethods.Stats.request.decode(bytes).id, 'x')
  })

  it('keeps maps, lists and packed lists', () => {
    const { request } = taskMethods.Update
    const annotations = { a: 'b', 'io.x/y': '', toString: 'own' }
    assert.deepEqual(request.decode(request.encode({ id: 'x', annotations })).annotations, annotations)
    const list = message({ numbers: [1, 'number', 'many'] })
    assert.deepEqual(list.decode(hex('0a 03 01 ac 02  08 05')).numbers, [1, 300, 5])
    assert.deepEqual(list.decode(list.encode({ numbers: [0, 1, 2 ** 40] })).numbers, [0, 1, 2 ** 40])
  })

  it('lets no key of a map reach a prototype', () => {
    const { request } = taskMethods.Update
    const entry = hex('1a 12 0a 09 5f5f70726f746f5f5f 12 05 6f776e6564')
    const { annotations } = request.decode(entry)
    assert.deepEqual(Object.entries(annotations), [['__proto__', 'owned']])
    assert.equal(Object.getPrototypeOf(annotations), Object.prototype)
  })

  it('knows a cgroup without a limit', () => {
    const none = 2 ** 64
    const bytes = cgroup2Metrics.encode({ pids: { current: 1, limit: none } })
    assert.equal(inHex(bytes), '0a0d080110ffffffffffffffffff01')
    assert.equal(cgroup2Metrics.decode(bytes).pids?.limit, none)
    const cpu = { usage: { total: 5, perCpu: [1, 4] } }
    assert.deepEqual(cgroup1Metrics.decode(cgroup1Metrics.encode({ cpu })).cpu?.usage?.perCpu, [1, 4])
  })

  it('refuses what is no message', () => {
    const { request } = taskMethods.Exec
    for (const bad of [
      '0a',
      '0a 05 61',
      '0a ff ff ff ff 0f',
      'ff ff ff ff ff ff ff ff ff ff ff',
      '00 01',
      '08 01',
      '0b',
      '18',
    ])
      assert.throws(() => request.decode(hex(bad)), NoMessage, bad)
  })

  it('owns its bytes: what comes later into the same buffer changes nothing', () => {
    const buffer = Buffer.from(envelope.encode({ event: { typeUrl: 'a', value: Uint8Array.of(1, 2, 3) } }))
    const { event } = envelope.decode(buffer)
    buffer.fill(0)
    assert.deepEqual(event?.value, Uint8Array.of(1, 2, 3))
  })

  it('wraps events as shims do', () => {
    const exit = { containerId: 'box', id: 'box', pid: 7, exitStatus: 137, exitedAt: timestampOf(1_700_000_000_123) }
    const bytes = forwardRequest.encode({
      envelope: { namespace: 'default', topic: '/tasks/exit', event: packEvent('/tasks/exit', exit) },
    })
    const { envelope: found } = forwardRequest.decode(bytes)
    assert.equal(found?.event?.typeUrl, 'containerd.events.TaskExit')
    const read = unpackEvent('/tasks/exit', found?.event?.value ?? new Uint8Array())
    assert.deepEqual(read, exit)
    assert.equal(millisecondsOf(read.exitedAt), 1_700_000_000_123)
  })

  it('takes the year 1 of Go for no time', () => {
    assert.equal(millisecondsOf({ seconds: -62135596800, nanos: 0 }), undefined)
    assert.equal(millisecondsOf(undefined), undefined)
  })
})
