import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FrameQueue, frameBytes } from '../../../src/launch/frames.ts'

const words = (queue: FrameQueue) => {
  const found: string[] = []
  for (let frame = queue.shift(); frame; frame = queue.shift())
    found.push(frame.fd === undefined ? frame.message : `${frame.message} with ${frame.fd}`)
  return found
}

const born = frameBytes('pidBorn', '', 7)
const opened = frameBytes('consoleOpened', '/dev/pts/0')

test('frames come in their order, however the stream is cut', () => {
  const bytes = Buffer.concat([born, frameBytes('rootfsBuilt'), frameBytes('ready')])
  for (let cut = 0; cut <= bytes.length; cut++) {
    const queue = new FrameQueue()
    queue.push(bytes.subarray(0, cut))
    queue.push(bytes.subarray(cut))
    assert.deepEqual(words(queue), ['pidBorn', 'rootfsBuilt', 'ready'])
  }
})

test('what the new process says before its birth is told waits for that', () => {
  const queue = new FrameQueue()
  queue.push(frameBytes('ready'))
  assert.deepEqual(words(queue), [])
  queue.push(born)
  assert.deepEqual(words(queue), ['pidBorn', 'ready'])
})

test('a descriptor belongs to the message that carries one, also when others came in the same read', () => {
  const queue = new FrameQueue()
  queue.push(Buffer.concat([frameBytes('weaker'), opened]), [9])
  queue.push(Buffer.concat([born, frameBytes('ready')]))
  assert.deepEqual(words(queue), ['pidBorn', 'weaker', 'consoleOpened with 9', 'ready'])
  assert.deepEqual(queue.abandonedFds(), [])
})

test('a message that is cut keeps its descriptor for its end', () => {
  const queue = new FrameQueue()
  queue.push(born)
  queue.push(opened.subarray(0, 5), [9])
  queue.push(opened.subarray(5))
  assert.deepEqual(words(queue), ['pidBorn', 'consoleOpened with 9'])
})

test('descriptors that nobody took are told at the end, wherever they wait', () => {
  const queue = new FrameQueue()
  queue.push(opened, [9])
  assert.deepEqual(queue.abandonedFds(), [9])
  queue.push(Buffer.concat([born, opened]), [10])
  queue.push(opened.subarray(0, 3), [11])
  assert.deepEqual(queue.abandonedFds(), [10, 11])
})

test('a message that is longer than any of init is refused before it is whole', () => {
  const bytes = frameBytes('ready')
  bytes.writeUInt32LE(2 ** 31, 4)
  assert.throws(() => new FrameQueue().push(bytes), /too long/)
})
