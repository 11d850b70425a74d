/** The door of the task service: `import { hostTasks, connectTasks } from 'usnea/tasks'`. */

export { RuntimeError } from '../base/errors.ts'
export type * from './api.ts'
export type { Event } from './events/event.ts'
export { DEFAULT_NAMESPACE } from './names.ts'
export { type Places, placesOf } from './places.ts'
export type { TaskIo } from './record.ts'
export type { Deadlines, ServiceOptions } from './service/state.ts'
export { connectTasks, type TasksClient } from './socket/client.ts'
export { type Host, type HostOptions, hostTasks } from './socket/listen.ts'
