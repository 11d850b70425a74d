/** What shims publish: containerd's events/task.proto, in the envelope of service containerd.services.events.ttrpc.v1.Events. */
import { any, timestamp } from './google.ts'
import { type Message, type MessageOf, message } from './message.ts'
import { mount } from './task.ts'

export const EVENTS_SERVICE = 'containerd.services.events.ttrpc.v1.Events'

export const envelope = message({
  timestamp: [1, timestamp],
  namespace: [2, 'text'],
  topic: [3, 'text'],
  event: [4, any],
})
export type Envelope = MessageOf<typeof envelope>

export const forwardRequest = message({ envelope: [1, envelope] })

const container = { containerId: [1, 'text'] } as const

const taskIo = message({ stdin: [1, 'text'], stdout: [2, 'text'], stderr: [3, 'text'], terminal: [4, 'flag'] })

/** By the topic they are published under; the last part of a type's URL is the name after `containerd.events.`. */
export const taskEvents = {
  '/tasks/create': {
    name: 'TaskCreate',
    message: message({
      ...container,
      bundle: [2, 'text'],
      rootfs: [3, mount, 'many'],
      io: [4, taskIo],
      checkpoint: [5, 'text'],
      pid: [6, 'number'],
    }),
  },
  '/tasks/start': { name: 'TaskStart', message: message({ ...container, pid: [2, 'number'] }) },
  '/tasks/oom': { name: 'TaskOOM', message: message(container) },
  '/tasks/exit': {
    name: 'TaskExit',
    message: message({
      ...container,
      /** The container's own for its first process, else that of the exec. */
      id: [2, 'text'],
      pid: [3, 'number'],
      exitStatus: [4, 'number'],
      exitedAt: [5, timestamp],
    }),
  },
  '/tasks/delete': {
    name: 'TaskDelete',
    message: message({
      ...container,
      pid: [2, 'number'],
      exitStatus: [3, 'number'],
      exitedAt: [4, timestamp],
      id: [5, 'text'],
    }),
  },
  '/tasks/exec-added': { name: 'TaskExecAdded', message: message({ ...container, execId: [2, 'text'] }) },
  '/tasks/exec-started': {
    name: 'TaskExecStarted',
    message: message({ ...container, execId: [2, 'text'], pid: [3, 'number'] }),
  },
  '/tasks/paused': { name: 'TaskPaused', message: message(container) },
  '/tasks/resumed': { name: 'TaskResumed', message: message(container) },
  '/tasks/checkpointed': { name: 'TaskCheckpointed', message: message({ ...container, checkpoint: [2, 'text'] }) },
} as const

export type TaskTopic = keyof typeof taskEvents
export type TaskEvent<T extends TaskTopic> = MessageOf<(typeof taskEvents)[T]['message']>

export const isTaskTopic = (topic: string): topic is TaskTopic => Object.hasOwn(taskEvents, topic)

/** A topic's event as it stands in an envelope. containerd 2 looks for the bare name, without `type.googleapis.com/`. */
export function packEvent<T extends TaskTopic>(topic: T, event: Partial<TaskEvent<T>>) {
  const { name, message: table } = taskEvents[topic]
  return { typeUrl: `containerd.events.${name}`, value: (table as Message<Record<never, never>>).encode(event) }
}

/** @throws NoMessage */
export function unpackEvent<T extends TaskTopic>(topic: T, bytes: Uint8Array): TaskEvent<T> {
  return taskEvents[topic].message.decode(bytes) as TaskEvent<T>
}
