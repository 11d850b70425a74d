/**
 * What is found at the start: the bundles of a service that ended, however it ended. Every task gets its shim back, its
 * pid, and somebody who waits for its exit; exits that came meanwhile are told. One that is damaged stops no other.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, isRuntimeError, RuntimeError } from '../../base/errors.ts'
import { removeBundle, sweepBundles } from '../bundle.ts'
import { timeText } from '../events/event.ts'
import { newFacts, type TaskFacts } from '../events/order.ts'
import { whyNotName } from '../names.ts'
import { isAlive, nameOf } from '../process.ts'
import { millisecondsOf } from '../protobuf/google.ts'
import { type TaskResponse, type TaskStatus, taskStatuses } from '../protobuf/task.ts'
import { readRecord } from '../record.ts'
import { cleanUpDead, KILLED, leave } from './cleanup.ts'
import { now, type ServiceState } from './state.ts'
import { Task } from './task.ts'
import { watchExit } from './watch.ts'

/** So many at once: each is a connection and a few calls. */
const AT_ONCE = 16

export const findAll = (state: ServiceState): Task[] =>
  namespacesOf(state).flatMap((namespace) => findTasks(state, namespace))

export async function restoreTasks(state: ServiceState, found: readonly Task[]): Promise<void> {
  const settles = new Map<Task, () => void>()
  for (const task of found) task.found = new Promise((resolve) => settles.set(task, resolve))
  const next = found.values()
  const work = async () => {
    for (const task of next) await restore(state, task).finally(settles.get(task))
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, found.length) }, work))
}

function namespacesOf(state: ServiceState): string[] {
  return [...new Set([...directories(state, state.options.places.state), ...state.ledger.namespaces])]
}

function directories(state: ServiceState, path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true })
    return entries
      .filter((entry) => entry.isDirectory() && whyNotName(entry.name) === undefined)
      .map(({ name }) => name)
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    if (errnoOf(error) !== 'ENOENT') state.problems.set(path, `${path} cannot be read: ${(error as Error).message}`)
    return []
  }
}

/** The tasks of a namespace, as their records and the journal have them; what is no task any more is removed. */
function findTasks(state: ServiceState, namespace: string): Task[] {
  let known: Map<string, TaskFacts>
  try {
    known = state.ledger.replay(namespace)
  } catch (error) {
    if (!isRuntimeError(error)) throw error
    state.problems.set(namespace, error.message)
    return []
  }
  const parent = state.bundlesOf(namespace)
  for (const problem of sweepBundles(parent)) state.problems.set(`${namespace}/swept`, problem)
  const tasks = directories(state, parent).flatMap((id) => {
    const record = readRecord(join(parent, id))
    if (record?.id !== id || record.namespace !== namespace) {
      void sweepHalf(state, join(parent, id))
      return []
    }
    const task = new Task({ ...record, bundle: join(parent, id) }, known.get(id) ?? newFacts(id, record.process?.pid))
    known.delete(id)
    task.problem = 'it is being looked for'
    state.add(task)
    return [task]
  })
  for (const facts of known.values()) bury(state, namespace, facts)
  return tasks
}

/** Its making was interrupted before a shim was started: nothing else can be left of it. */
async function sweepHalf(state: ServiceState, path: string): Promise<void> {
  await removeBundle(path).catch((error: Error) => state.problems.set(path, error.message))
}

/** Its bundle is gone, and with it the task: the machine was started anew. Whoever waits for its exit shall have one. */
function bury(state: ServiceState, namespace: string, facts: TaskFacts): void {
  const record = { namespace, id: facts.id } as Task['record']
  const task = new Task(record, facts)
  const { id, pid } = facts
  const exitedAt = facts.exit?.at ?? now()
  const exitStatus = facts.exit?.status ?? KILLED
  state.tell(task, {
    topic: '/tasks/delete',
    time: now(),
    event: { containerId: id, id: '', pid, exitStatus, exitedAt },
  })
  state.ledger.bury(namespace, task.facts)
}

async function restore(state: ServiceState, task: Task): Promise<void> {
  const { record } = task
  const key = `${record.namespace}/${record.id}`
  try {
    if (record.phase === 'making') return await cleanUpDead(state, task)
    await reconnect(state, task)
  } catch (error) {
    if (!isRuntimeError(error)) throw error
    const isThere = record.shim.process !== undefined && isAlive(record.shim.process)
    // A shim that runs and does not answer holds a container that may be well: it is not ended for that.
    if (isThere && error.code !== 'shim-foreign') {
      task.problem = error.message
      state.problems.set(key, `${key}: ${error.message}`)
      retryLater(state, task)
      return
    }
    await cleanUpDead(state, task).catch(() => {})
  }
}

/** Once more, later and later, as long as it is in the list without a shim. */
function retryLater(state: ServiceState, task: Task, pause = 1000): void {
  setTimeout(async () => {
    if (state.isClosing || state.find(task.record) !== task || task.shim !== undefined || task.leaving) return
    try {
      await reconnect(state, task)
    } catch (error) {
      if (!isRuntimeError(error)) throw error
      const { process } = task.record.shim
      if (process !== undefined && !isAlive(process)) await cleanUpDead(state, task).catch(() => {})
      else retryLater(state, task, Math.min(pause * 2, 60_000))
    }
  }, pause).unref()
}

async function reconnect(state: ServiceState, task: Task): Promise<void> {
  const { record } = task
  const { id } = record
  const timeout = Math.min(state.deadlines.connect, state.deadlines.restore)
  const shim = await state.connect(record.shim, timeout)
  const { shimPid } = await shim.call('Connect', { id }, { timeout })
  let answer: TaskResponse<'State'>
  try {
    answer = await shim.call('State', { id, execId: '' }, { timeout: state.deadlines.restore })
  } catch (error) {
    if (!isRuntimeError(error, 'task-missing') && !(isRuntimeError(error) && record.phase === 'leaving')) throw error
    task.shim = shim
    const exitedAt = task.facts.exit?.at ?? now()
    await leave(state, task, { pid: task.facts.pid, exitStatus: task.facts.exit?.status ?? KILLED, exitedAt })
    return
  }
  task.shim = shim
  task.problem = undefined
  state.problems.delete(`${record.namespace}/${id}`)
  task.remember({ shim: { ...record.shim, process: nameOf(shimPid) } })
  catchUp(state, task, answer)
  watchExit(state, task, '')
  for (const [execId, exec] of Object.entries(task.facts.execs)) if (!exec.hasExited) watchExit(state, task, execId)
}

/** What happened while nobody listened, from what the shim says now. */
function catchUp(state: ServiceState, task: Task, answer: TaskResponse<'State'>): void {
  const { record } = task
  const { id, bundle, io } = record
  const { pid } = answer
  const status: TaskStatus = taskStatuses[answer.status] ?? 'unknown'
  const { terminal, stdin, stdout, stderr } = io
  const created = { containerId: id, bundle, rootfs: [], io: { stdin, stdout, stderr, terminal }, checkpoint: '', pid }
  state.tell(task, { topic: '/tasks/create', time: timeText(record.created), event: created })
  const ran = status === 'running' || status === 'paused' || status === 'pausing'
  if (ran || (status === 'stopped' && record.wasStarted))
    state.tell(task, { topic: '/tasks/start', time: now(), event: { containerId: id, pid } })
  if (status !== 'stopped') return
  const exitedAt = timeText(millisecondsOf(answer.exitedAt) ?? Date.now())
  const event = { containerId: id, id, pid, exitStatus: answer.exitStatus, exitedAt }
  state.tell(task, { topic: '/tasks/exit', time: now(), event })
}

/** @throws RuntimeError `shim-silent` with what is known of the task */
export function unknown({ record, problem }: Task): RuntimeError {
  return new RuntimeError('shim-silent', {
    what: `the shim of task ${record.id} does not answer`,
    ...(problem && { why: problem }),
  })
}
