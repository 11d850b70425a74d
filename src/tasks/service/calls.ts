/** What is asked of one task that is there. */
import { isRuntimeError, RuntimeError } from '../../base/errors.ts'
import type { ExecWish, ExitInfo, ProcessTarget, Target, TaskInfo } from '../api.ts'
import { timeText } from '../events/event.ts'
import { notStarted, starting } from '../events/order.ts'
import { checkName } from '../names.ts'
import { nameOf } from '../process.ts'
import { millisecondsOf } from '../protobuf/google.ts'
import { CGROUP1_METRICS, cgroup1Metrics } from '../protobuf/metrics-v1.ts'
import { CGROUP2_METRICS, cgroup2Metrics } from '../protobuf/metrics-v2.ts'
import {
  CHECKPOINT_OPTIONS,
  checkpointOptions,
  OCI_PROCESS,
  OCI_RESOURCES,
  PROCESS_DETAILS,
  processDetails,
} from '../protobuf/options.ts'
import { type TaskMethod, type TaskRequest, type TaskResponse, taskStatuses } from '../protobuf/task.ts'
import { cleanUpDead, leave } from './cleanup.ts'
import { holdReaders, makeIo, removeIo } from './io.ts'
import { missing, now, type ServiceState } from './state.ts'
import { execOf, type Task } from './task.ts'
import { watchExit } from './watch.ts'

export function ask<M extends TaskMethod>(
  state: ServiceState,
  target: Target,
  [method, rest]: readonly [M, Omit<TaskRequest<M>, 'id'>],
): Promise<TaskResponse<M>> {
  const task = state.require(target)
  const request = { id: target.id, ...rest } as TaskRequest<M>
  return state.shimOf(task).call(method, request, { timeout: state.deadlines.call })
}

/** The words of the shim, and `unknown` with the reason where it does not answer. */
export async function infoOf(state: ServiceState, task: Task): Promise<TaskInfo> {
  const { record, facts } = task
  const { namespace, id, bundle, shim, io, labels } = record
  const common = { namespace, id, bundle, io, labels, runtime: shim.runtime, created: timeText(record.created) }
  const shimPid = shim.process?.pid ?? 0
  const told = facts.exit && { exit: { pid: facts.pid, exitStatus: facts.exit.status, exitedAt: facts.exit.at } }
  const unknown = (problem: string): TaskInfo => ({
    ...common,
    ...told,
    pid: facts.pid,
    status: facts.exit === undefined ? 'unknown' : 'stopped',
    problem,
    shimPid,
  })
  if (task.shim === undefined) return unknown(task.problem ?? 'it is being made')
  try {
    const answer = await task.shim.call('State', { id, execId: '' }, { timeout: state.deadlines.connect })
    const status = taskStatuses[answer.status] ?? 'unknown'
    const exitedAt = timeText(millisecondsOf(answer.exitedAt) ?? Date.now())
    const exit =
      status === 'stopped' ? { exit: { pid: answer.pid, exitStatus: answer.exitStatus, exitedAt } } : undefined
    return { ...common, pid: answer.pid, status, shimPid, ...(told ?? exit) }
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    return unknown(error.message)
  }
}

export async function startProcess(state: ServiceState, target: ProcessTarget): Promise<{ pid: number }> {
  const task = state.require(target)
  const execId = target.execId ?? ''
  const { id } = task.record
  const shim = state.shimOf(task)
  // On disk first: should we be killed, an exit is told of a task that was started.
  if (execId === '' && !task.record.wasStarted) task.save({ wasStarted: true })
  const wasStarted = execId === '' ? task.facts.isStarted : (execOf(task.facts, execId)?.isStarted ?? false)
  if (!wasStarted) task.facts = starting(task.facts, execId)
  try {
    const io = execId === '' ? task.record.io : task.execIo.get(execId)
    using _readers = io && holdReaders(io)
    const { pid } = await shim.call('Start', { id, execId }, { timeout: state.deadlines.make })
    if (execId === '' && task.record.process === undefined) task.saveIfPossible({ process: nameOf(pid) })
    const event = execId === '' ? { containerId: id, pid } : { containerId: id, execId, pid }
    const topic = execId === '' ? ('/tasks/start' as const) : ('/tasks/exec-started' as const)
    state.tell(task, { topic, time: now(), event } as Parameters<ServiceState['tell']>[1])
    if (execId !== '') watchExit(state, task, execId)
    return { pid }
  } catch (error) {
    if (!wasStarted && task.leaving === undefined) state.settle(task, notStarted(task.facts, execId))
    throw error
  }
}

export async function addExec(state: ServiceState, wish: ExecWish) {
  const { id, execId, process, io: ioWish } = wish
  checkName('exec id', execId)
  const task = state.require(wish)
  if (task.execIo.has(execId)) throw new RuntimeError('task-exists', { what: `exec ${execId} already exists` })
  const { bundle } = task.record
  const io = makeIo(ioWish, { bundle, data: state.dataOf(wish), name: `exec-${execId}` })
  task.execIo.set(execId, io)
  try {
    const spec = { typeUrl: OCI_PROCESS, value: Buffer.from(JSON.stringify(process)) }
    await ask(state, wish, ['Exec', { execId, ...io, spec }])
  } catch (error) {
    task.execIo.delete(execId)
    removeIo(io, bundle)
    throw error
  }
  state.tell(task, { topic: '/tasks/exec-added', time: now(), event: { containerId: id, execId } })
  return { io }
}

async function deleteExec(state: ServiceState, task: Task, execId: string): Promise<ExitInfo> {
  const { id, bundle } = task.record
  const answer = await state.shimOf(task).call('Delete', { id, execId }, { timeout: state.deadlines.call })
  const exitedAt = timeText(millisecondsOf(answer.exitedAt) ?? Date.now())
  const { pid, exitStatus } = answer
  const exec = execOf(task.facts, execId)
  if (exec?.isStarted && !exec.hasExited)
    state.tell(task, {
      topic: '/tasks/exit',
      time: now(),
      event: { containerId: id, id: execId, pid, exitStatus, exitedAt },
    })
  const io = task.execIo.get(execId)
  if (io !== undefined) removeIo(io, bundle)
  task.execIo.delete(execId)
  if (exec !== undefined && !exec.hasExited) state.settle(task, notStarted(task.facts, execId))
  return { pid, exitStatus, exitedAt }
}

export async function deleteTask(
  state: ServiceState,
  target: ProcessTarget & { readonly force?: boolean },
): Promise<ExitInfo> {
  const task = state.require(target)
  if (target.execId) return await deleteExec(state, task, target.execId)
  if (task.leaving !== undefined) {
    await task.leaving
    return pastExit(state, target)
  }
  if (task.shim === undefined) {
    if (target.force !== true) state.shimOf(task)
    await cleanUpDead(state, task)
    return pastExit(state, target)
  }
  if (target.force && !(await end(state, task))) {
    await cleanUpDead(state, task)
    return pastExit(state, target)
  }
  const work = removeLiving(state, task)
  task.leaving = work.catch(() => {})
  try {
    return await work
  } catch (error) {
    task.leaving = undefined
    // The shim died meanwhile, or is held up by its runtime: the task goes all the same.
    const isOver = task.shim === undefined || (target.force === true && isRuntimeError(error, 'shim-silent'))
    if (!isOver || state.find(target) !== task) throw error
    await cleanUpDead(state, task)
    return pastExit(state, target)
  }
}

/** @throws RuntimeError `task-missing` */
export function pastExit(state: ServiceState, target: Target): ExitInfo {
  const past = state.ledger.past(target.namespace, target.id)
  if (past === undefined) throw missing(target.id)
  return { pid: past.pid, exitStatus: past.status, exitedAt: past.at }
}

/** What runs is killed, and its end waited for. @returns false when the shim does not answer */
async function end(state: ServiceState, task: Task): Promise<boolean> {
  try {
    await endLiving(state, task)
    return true
  } catch (error) {
    if (!(error instanceof RuntimeError) || (error.code !== 'shim-silent' && error.code !== 'shim-lost')) throw error
    return false
  }
}

async function endLiving(state: ServiceState, task: Task): Promise<void> {
  const { id } = task.record
  const shim = state.shimOf(task)
  const { status, pid } = await shim.call('State', { id, execId: '' }, { timeout: state.deadlines.call })
  // What is restored has no process before its start.
  if (taskStatuses[status] === 'stopped' || pid === 0) return
  // What is frozen cannot die.
  if (taskStatuses[status] === 'paused') await shim.call('Resume', { id }, { timeout: state.deadlines.call })
  try {
    await shim.call('Kill', { id, execId: '', signal: 9, all: true }, { timeout: state.deadlines.call })
  } catch (error) {
    // It may have ended by itself, right now.
    if (!(error instanceof RuntimeError) || error.code === 'shim-lost') throw error
  }
  await task.exitOf('', AbortSignal.timeout(state.deadlines.call))
}

async function removeLiving(state: ServiceState, task: Task): Promise<ExitInfo> {
  const { id } = task.record
  const answer = await state.shimOf(task).call('Delete', { id, execId: '' }, { timeout: state.deadlines.call })
  task.saveIfPossible({ phase: 'leaving' })
  const exitedAt = timeText(millisecondsOf(answer.exitedAt) ?? Date.now())
  return await leave(state, task, { pid: answer.pid || task.facts.pid, exitStatus: answer.exitStatus, exitedAt })
}

export async function pidsOf(state: ServiceState, target: Target) {
  const { processes } = await ask(state, target, ['Pids', {}])
  return processes.map(({ pid, info }) => {
    const execId = info?.typeUrl.endsWith(PROCESS_DETAILS) ? processDetails.decode(info.value).execId : ''
    return { pid, ...(execId !== '' && { execId }) }
  })
}

export async function statsOf(state: ServiceState, target: Target): Promise<{ type: string; metrics: object }> {
  const { stats } = await ask(state, target, ['Stats', {}])
  if (stats?.typeUrl.endsWith(CGROUP2_METRICS)) return { type: 'cgroup2', metrics: cgroup2Metrics.decode(stats.value) }
  if (stats?.typeUrl.endsWith(CGROUP1_METRICS)) return { type: 'cgroup1', metrics: cgroup1Metrics.decode(stats.value) }
  const value = Buffer.from(stats?.value ?? []).toString('base64')
  return { type: stats?.typeUrl ?? 'none', metrics: { value } }
}

export function checkpointTask(
  state: ServiceState,
  target: Target & { readonly path: string; readonly exit?: boolean },
) {
  const value = checkpointOptions.encode({ exit: target.exit ?? false })
  return ask(state, target, ['Checkpoint', { path: target.path, options: { typeUrl: CHECKPOINT_OPTIONS, value } }])
}

export function updateTask(state: ServiceState, target: Target & { readonly resources: object }) {
  const value = Buffer.from(JSON.stringify(target.resources))
  return ask(state, target, ['Update', { resources: { typeUrl: OCI_RESOURCES, value } }])
}
