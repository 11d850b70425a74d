/** What is said to a shim: service containerd.task.v2.Task. Numbers are those of containerd's shim.proto and task.proto. */
import { any, empty, timestamp } from './google.ts'
import { type GivenOf, type MessageOf, message } from './message.ts'

export const mount = message({
  type: [1, 'text'],
  source: [2, 'text'],
  /** Below the root; older than 1.7 shims do not know it. */
  target: [3, 'text'],
  options: [4, 'text', 'many'],
})
export type Mount = GivenOf<typeof mount>

/** The states of a process, by the number that stands for them. */
export const taskStatuses = ['unknown', 'created', 'running', 'stopped', 'paused', 'pausing'] as const
export type TaskStatus = (typeof taskStatuses)[number]

const id = { id: [1, 'text'] } as const
/** An empty `execId` is the container's first process. */
const process = { id: [1, 'text'], execId: [2, 'text'] } as const
const exit = { exitStatus: [1, 'number'], exitedAt: [2, timestamp] } as const

export const processInfo = message({ pid: [1, 'number'], info: [2, any] })

/** Every call of the service: its name, what is sent, what comes back. */
export const taskMethods = {
  State: {
    request: message(process),
    response: message({
      id: [1, 'text'],
      bundle: [2, 'text'],
      pid: [3, 'number'],
      status: [4, 'number'],
      stdin: [5, 'text'],
      stdout: [6, 'text'],
      stderr: [7, 'text'],
      terminal: [8, 'flag'],
      exitStatus: [9, 'number'],
      exitedAt: [10, timestamp],
      execId: [11, 'text'],
    }),
  },
  Create: {
    request: message({
      id: [1, 'text'],
      bundle: [2, 'text'],
      rootfs: [3, mount, 'many'],
      terminal: [4, 'flag'],
      stdin: [5, 'text'],
      stdout: [6, 'text'],
      stderr: [7, 'text'],
      checkpoint: [8, 'text'],
      parentCheckpoint: [9, 'text'],
      options: [10, any],
    }),
    response: message({ pid: [1, 'number'] }),
  },
  Start: { request: message(process), response: message({ pid: [1, 'number'] }) },
  Delete: {
    request: message(process),
    response: message({ pid: [1, 'number'], exitStatus: [2, 'number'], exitedAt: [3, timestamp] }),
  },
  Pids: { request: message(id), response: message({ processes: [1, processInfo, 'many'] }) },
  Pause: { request: message(id), response: empty },
  Resume: { request: message(id), response: empty },
  Checkpoint: { request: message({ ...id, path: [2, 'text'], options: [3, any] }), response: empty },
  Kill: { request: message({ ...process, signal: [3, 'number'], all: [4, 'flag'] }), response: empty },
  Exec: {
    request: message({
      ...process,
      terminal: [3, 'flag'],
      stdin: [4, 'text'],
      stdout: [5, 'text'],
      stderr: [6, 'text'],
      spec: [7, any],
    }),
    response: empty,
  },
  ResizePty: { request: message({ ...process, width: [3, 'number'], height: [4, 'number'] }), response: empty },
  CloseIO: { request: message({ ...process, stdin: [3, 'flag'] }), response: empty },
  Update: { request: message({ ...id, resources: [2, any], annotations: [3, 'text', 'map'] }), response: empty },
  Wait: { request: message(process), response: message(exit) },
  Stats: { request: message(id), response: message({ stats: [1, any] }) },
  Connect: {
    request: message(id),
    response: message({ shimPid: [1, 'number'], taskPid: [2, 'number'], version: [3, 'text'] }),
  },
  Shutdown: { request: message({ ...id, now: [2, 'flag'] }), response: empty },
} as const

export type TaskMethod = keyof typeof taskMethods
export type TaskRequest<M extends TaskMethod> = GivenOf<(typeof taskMethods)[M]['request']>
export type TaskResponse<M extends TaskMethod> = MessageOf<(typeof taskMethods)[M]['response']>

export const TASK_SERVICE = 'containerd.task.v2.Task'
