/** The exit of a process, should its event not come: the shim is asked as well, and waits with the answer. */
import { RuntimeError } from '../../base/errors.ts'
import { timeText } from '../events/event.ts'
import { millisecondsOf } from '../protobuf/google.ts'
import { now, type ServiceState } from './state.ts'
import { execOf, type Task } from './task.ts'

/** So long the shim's own event may take, which comes in the order that the shim knows. */
const PATIENCE_MS = 1000

/** Returns at once. */
export function watchExit(state: ServiceState, task: Task, execId: string): void {
  void wait(state, task, execId)
}

async function wait(state: ServiceState, task: Task, execId: string): Promise<void> {
  const { id } = task.record
  try {
    const { exitStatus, exitedAt } = await state.shimOf(task).call('Wait', { id, execId })
    await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref())
    if (state.isClosing || state.find(task.record) !== task) return
    const exec = execId === '' ? undefined : execOf(task.facts, execId)
    const pid = execId === '' ? task.facts.pid : (exec?.pid ?? 0)
    const at = timeText(millisecondsOf(exitedAt) ?? Date.now())
    const event = { containerId: id, id: execId === '' ? id : execId, pid, exitStatus, exitedAt: at }
    if (execId === '' ? task.facts.exit === undefined : exec?.hasExited === false)
      state.tell(task, { topic: '/tasks/exit', time: now(), event })
  } catch (error) {
    // A shim that is gone is somebody else's business: it is cleaned up after.
    if (!(error instanceof RuntimeError)) throw error
  }
}
