// Needs nothing: what goes over the wire to criu and back. Bytes by hand, after the encoding of Protocol Buffers.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeResponse, encodeRequest, NoMessage } from '../../../../src/linux/criu/messages.ts'

const text = (tag: number, value: string): number[] => {
  const bytes = [...Buffer.from(value)]
  const key = (tag << 3) | 2
  return [...(key > 127 ? [(key & 127) | 128, key >> 7] : [key]), bytes.length, ...bytes]
}

describe('a request', () => {
  it('of a version has a type, and asks to be heard on', () => {
    assert.deepEqual([...encodeRequest({ type: 'version', keepOpen: true })], [8, 10, 32, 1])
  })

  it('of features says which', () => {
    const bytes = encodeRequest({ type: 'featureCheck', features: { memoryTracking: true, lazyPages: false } })
    assert.deepEqual([...bytes], [8, 9, 42, 4, 8, 1, 16, 0])
  })

  it('of a dump has options of every kind', () => {
    const options = {
      imagesFd: 5,
      logFile: 'l',
      logLevel: 4,
      pid: 300,
      leaveRunning: true,
      externalMounts: [{ key: '/a', value: '/b' }],
      inherited: [{ key: 'pipe:[1]', fd: 2 }],
      external: ['net[1]:n'],
    }
    const inner = [
      ...[8, 5, 16, 172, 2, 24, 1, 72, 4],
      ...text(10, 'l'),
      ...[186, 1, 8, ...text(1, '/a'), ...text(2, '/b')],
      ...[218, 1, 12, ...text(1, 'pipe:[1]'), 16, 2],
      ...text(37, 'net[1]:n'),
    ]
    assert.deepEqual([...encodeRequest({ type: 'dump', options })], [8, 1, 18, inner.length, ...inner])
  })

  it('may be the answer to a notification', () => {
    assert.deepEqual([...encodeRequest({ type: 'notify', notifySuccess: false })], [8, 6, 24, 0])
  })
})

describe('a response', () => {
  it('of a restore has the process', () => {
    const got = decodeResponse(Uint8Array.from([8, 2, 16, 1, 34, 3, 8, 172, 2]))
    assert.deepEqual(got, { type: 2, success: true, pid: 300 })
  })

  it('may be a notification, or a version, or features', () => {
    const moment = text(1, 'post-dump')
    assert.deepEqual(decodeResponse(Uint8Array.from([8, 6, 16, 1, 42, moment.length + 2, ...moment, 16, 7])).notify, {
      script: 'post-dump',
      pid: 7,
    })
    assert.equal(decodeResponse(Uint8Array.from([8, 10, 16, 1, 82, 6, 8, 3, 16, 17, 32, 2])).version, 31_702)
    assert.deepEqual(decodeResponse(Uint8Array.from([8, 9, 16, 1, 66, 2, 16, 1])).features, {
      memoryTracking: false,
      lazyPages: true,
    })
  })

  it('of a failure has an errno and words', () => {
    const got = decodeResponse(Uint8Array.from([8, 1, 16, 0, 56, 13, ...text(9, 'no')]))
    assert.deepEqual(got, { type: 1, success: false, errno: 13, message: 'no' })
  })

  it('that is cut off or no message at all is no success', () => {
    for (const bytes of [[8], [255, 255, 255], [34, 200], [82, 4, 8]])
      assert.throws(() => decodeResponse(Uint8Array.from(bytes)), NoMessage, String(bytes))
    for (const bytes of [[], [8, 2]]) assert.equal(decodeResponse(Uint8Array.from(bytes)).success, false, String(bytes))
  })
})
