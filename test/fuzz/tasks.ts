/** Targets of what is said between the task service and shims: ttrpc's frames, and the messages in them. */
import assert from 'node:assert/strict'
import {
  envelope,
  forwardRequest,
  packEvent,
  type TaskTopic,
  taskEvents,
  unpackEvent,
} from '../../src/tasks/protobuf/events.ts'
import { millisecondsOf, timestampOf } from '../../src/tasks/protobuf/google.ts'
import { type Message, NoMessage } from '../../src/tasks/protobuf/message.ts'
import { cgroup1Metrics } from '../../src/tasks/protobuf/metrics-v1.ts'
import { cgroup2Metrics } from '../../src/tasks/protobuf/metrics-v2.ts'
import { runcOptions } from '../../src/tasks/protobuf/options.ts'
import { taskMethods } from '../../src/tasks/protobuf/task.ts'
import { request, response } from '../../src/tasks/ttrpc/call.ts'
import { encodeFrame, type Frame, FrameError, FrameReader } from '../../src/tasks/ttrpc/frame.ts'
import type { Target } from './target.ts'

// biome-ignore lint/suspicious/noExplicitAny: every table.
const tables: readonly Message<any>[] = [
  ...Object.values(taskMethods).flatMap((method) => [method.request, method.response]),
  ...Object.values(taskEvents).map((event) => event.message),
  request,
  response,
  forwardRequest,
  runcOptions,
  cgroup1Metrics,
  cgroup2Metrics,
]

/** What was understood once must be understood the same when it is said again. */
function runMessage(bytes: Buffer): string {
  const input = Uint8Array.from(bytes)
  return tables
    .map((table) => {
      let value: unknown
      try {
        value = table.decode(input)
      } catch (error) {
        if (error instanceof NoMessage) return '-'
        throw error
      }
      assert.deepEqual(table.decode(table.encode(value as never)), value)
      return '+'
    })
    .join('')
}

function framesOf(chunks: readonly Uint8Array[]): Frame[] | undefined {
  const reader = new FrameReader()
  const frames: Frame[] = []
  try {
    for (const chunk of chunks) {
      reader.push(chunk)
      for (let frame = reader.shift(); frame !== undefined; frame = reader.shift()) frames.push(frame)
    }
  } catch (error) {
    if (error instanceof FrameError) return undefined
    throw error
  }
  return frames
}

/** The same bytes in one piece, in two and one by one are the same frames, and those are the same bytes again. */
function runFrames(bytes: Buffer): string {
  const input = Uint8Array.from(bytes)
  const whole = framesOf([input])
  const half = input.length >> 1
  assert.deepEqual(framesOf([input.subarray(0, half), input.subarray(half)]), whole)
  if (input.length < 200) assert.deepEqual(framesOf([...input].map((byte) => Uint8Array.of(byte))), whole)
  if (whole === undefined) return 'refused'
  const again = Buffer.concat(whole.map((frame) => encodeFrame(frame)))
  assert.deepEqual(again, bytes.subarray(0, again.length))
  return whole
    .map(({ type, flags }) => `${type}.${flags}`)
    .slice(0, 3)
    .join()
}

const exitedAt = timestampOf(Date.UTC(2024, 1, 29, 12, 0, 0, 5))
const exit = { containerId: 'box', id: 'box', pid: 77, exitStatus: 137, exitedAt }
const frame = (data: Uint8Array, stream = 1): Buffer => Buffer.from(encodeFrame({ stream, type: 1, flags: 0, data }))

const messages: readonly Uint8Array[] = [
  taskMethods.Create.request.encode({
    id: 'box',
    bundle: '/b',
    rootfs: [{ type: 'bind', source: '/r', options: ['rbind', 'ro'] }],
    options: { typeUrl: 'containerd.runc.v1.Options', value: runcOptions.encode({ binaryName: 'usnea', root: '/x' }) },
  }),
  taskMethods.Update.request.encode({ id: 'box', annotations: { a: 'b', __proto__x: 'c' } }),
  envelope.encode({
    namespace: 'default',
    topic: '/tasks/exit',
    timestamp: exitedAt,
    event: packEvent('/tasks/exit', exit),
  }),
  taskEvents['/tasks/exit'].message.encode(exit),
  request.encode({
    service: 'containerd.task.v2.Task',
    method: 'State',
    timeoutNano: 5e9,
    payload: Buffer.from('\n\x03box'),
  }),
  response.encode({ status: { code: 5, message: 'gone' } }),
  cgroup1Metrics.encode({ cpu: { usage: { total: 9, perCpu: [1, 2] } }, pids: { current: 1, limit: 2 ** 64 } }),
  cgroup2Metrics.encode({ memory: { usageLimit: 2 ** 64, psi: { some: { avg10: 0.5 } } } }),
]

/** An event of a known topic that is packed again is the same event, and its time is a time. */
function runEvent(input: Buffer): string {
  return (Object.keys(taskEvents) as TaskTopic[])
    .map((topic) => {
      try {
        const event = unpackEvent(topic, input)
        assert.deepEqual(unpackEvent(topic, packEvent(topic, event).value), event)
        const time = 'exitedAt' in event ? millisecondsOf(event.exitedAt) : undefined
        assert.ok(time === undefined || !Number.isNaN(time))
        return '+'
      } catch (error) {
        if (error instanceof NoMessage) return '-'
        throw error
      }
    })
    .join('')
}

export const tasks: readonly Target[] = [
  { name: 'protobuf', seeds: messages.map((bytes) => Buffer.from(bytes)), run: runMessage },
  { name: 'task-event', seeds: [Buffer.from(messages[3] as Uint8Array)], run: runEvent },
  {
    name: 'ttrpc-frames',
    seeds: [
      ...messages.map((bytes) => frame(bytes)),
      Buffer.concat(messages.map((bytes, at) => frame(bytes, at * 2 + 1))),
    ],
    run: runFrames,
  },
]
