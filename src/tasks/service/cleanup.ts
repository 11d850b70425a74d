/** The ways out: of a task that is deleted, of one whose making failed, and of one whose shim has died. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isRuntimeError, RuntimeError } from '../../base/errors.ts'
import { run } from '../../base/run.ts'
import type { ExitInfo } from '../api.ts'
import { removeBundle } from '../bundle.ts'
import { timeText } from '../events/event.ts'
import { runningExecs } from '../events/order.ts'
import { isAlive, killProcess, waitGone } from '../process.ts'
import { any, millisecondsOf } from '../protobuf/google.ts'
import { RUNC_OPTIONS, runcOptions } from '../protobuf/options.ts'
import { deleteByBinary } from '../shim/binary.ts'
import { removeSocket } from '../shim/shim.ts'
import { type Calling, killStrays, waitForRuntimes } from '../shim/strays.ts'
import { now, type ServiceState } from './state.ts'
import type { Task } from './task.ts'

/** 128 and SIGKILL: what a task ends with that we had to end, or that ended unseen. */
export const KILLED = 137

/**
 * Of a container whose making failed: it may be there or not. Its shim goes first: one that is still busy with the making
 * would bring it back.
 */
export async function forceAway(state: ServiceState, task: Task): Promise<void> {
  const { id } = task.record
  try {
    await state.shimOf(task).call('Kill', { id, signal: 9, all: true }, { timeout: state.deadlines.call })
  } catch {
    // it was not made, or has ended, or nobody is there to ask: the shim's program sees to it below
  }
  await endShim(state, task)
  await deleteByBinary(state.shimCall(task)).catch((cause) => deleteByRuntime(state, task, cause))
  if (task.record.process !== undefined) await endProcess(task)
  if (!task.facts.isCreated) return
  const event = { containerId: id, id: '', pid: task.facts.pid, exitStatus: KILLED, exitedAt: now() }
  state.tell(task, { topic: '/tasks/delete', time: now(), event })
}

/** The shim goes when it holds nothing else; one that does not listen is killed. */
export async function endShim(state: ServiceState, task: Task): Promise<void> {
  const { shim, record } = task
  if (state.isShared(task)) return
  await shim?.call('Shutdown', { id: record.id, now: true }, { timeout: state.deadlines.connect }).catch(() => {})
  const { process } = record.shim
  if (process === undefined) await killAll(state, task)
  else if (!(await waitGone(process, 2000))) killProcess(process)
  shim?.close()
  if (record.shim.address !== '') removeSocket(record.shim.address)
}

const callingOf = ({ options }: ServiceState, { record }: Task): Calling => ({
  ...record,
  socket: options.places.socket,
})

/** The shim, whether it has said who it is or not, and whatever runtimes it has called. @throws RuntimeError `task-leftover` */
async function killAll(state: ServiceState, task: Task): Promise<void> {
  const { record } = task
  if (record.shim.process !== undefined) killProcess(record.shim.process)
  if (await killStrays(callingOf(state, task), state.deadlines.connect)) return
  throw new RuntimeError('task-leftover', { what: `the shim of task ${record.id} does not end` })
}

/** @throws RuntimeError `task-leftover` */
async function endProcess({ record }: Task): Promise<void> {
  const { process } = record
  if (process === undefined || !isAlive(process)) return
  killProcess(process)
  if (await waitGone(process, 5000)) return
  throw new RuntimeError('task-leftover', { what: `process ${process.pid} of task ${record.id} does not end` })
}

/** Where the shim's program is of no use, the OCI runtime itself is asked, with the options that the shim had. */
async function deleteByRuntime(state: ServiceState, task: Task, cause: unknown): Promise<void> {
  const { record } = task
  const { typeUrl, value } = any.decode(Buffer.from(record.shim.options, 'base64'))
  const tried = (cause as Error).message
  if (typeUrl !== RUNC_OPTIONS)
    throw new RuntimeError('task-leftover', { what: `task ${record.id} could not be cleaned up`, why: tried, cause })
  const { binaryName, root, systemdCgroup } = runcOptions.decode(value)
  const words = [
    ...(root === '' ? [] : ['--root', join(root, record.namespace)]),
    ...(systemdCgroup ? ['--systemd-cgroup'] : []),
  ]
  const env = Object.fromEntries(
    Object.entries(state.options.env).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])),
  )
  const result = await run(binaryName || 'runc', [...words, 'delete', '--force', record.id], {
    env,
    timeout: state.deadlines.binary,
  })
  if (result.status === 0) return
  const why = `${tried}; ${binaryName || 'runc'} delete: ${result.stderr || (result.errno ?? result.signal ?? `status ${result.status}`)}`
  throw new RuntimeError('task-leftover', { what: `task ${record.id} could not be cleaned up`, why, cause })
}

/**
 * After the death of a shim: its container is ended and removed; exit 137 (or what was told before), then delete.
 * @throws RuntimeError `task-leftover`; then the task stays in the list, with the reason
 */
export function cleanUpDead(state: ServiceState, task: Task): Promise<void> {
  const before = task.leaving
  if (before !== undefined) return before.then(() => {})
  const key = `${task.record.namespace}/${task.record.id}`
  const work = removeDead(state, task).catch((error: unknown) => {
    task.leaving = undefined
    task.problem = (error as Error).message
    state.problems.set(key, `${key}: ${task.problem}`)
    state.options.warn(`${key}: ${task.problem}`)
    throw error
  })
  task.leaving = work
  return work
}

async function removeDead(state: ServiceState, task: Task): Promise<void> {
  const { record } = task
  const { id } = record
  readAddress(task)
  // A shim that does not answer would let the container go on, and answer later; and what it was making must not be made
  // after it was removed.
  if (record.phase === 'making') await waitForRuntimes(callingOf(state, task), state.deadlines.connect)
  if (!state.isShared(task)) await killAll(state, task)
  let [pid, at] = [task.facts.pid, Date.now()]
  try {
    const answer = await deleteByBinary(state.shimCall(task))
    pid = pid || answer.pid
    at = millisecondsOf(answer.exitedAt) ?? at
  } catch (cause) {
    if (!isRuntimeError(cause)) throw cause
    await deleteByRuntime(state, task, cause)
  }
  await endProcess(task)
  const exitedAt = timeText(at)
  const death = { exitStatus: KILLED, exitedAt }
  if (task.facts.isStarting) task.facts = { ...task.facts, isStarting: false }
  for (const execId of runningExecs(task.facts)) {
    const event = { containerId: id, id: execId, pid: task.facts.execs[execId]?.pid ?? 0, ...death }
    task.facts = {
      ...task.facts,
      execs: {
        ...task.facts.execs,
        [execId]: { ...task.facts.execs[execId], isStarting: false, isStarted: true, hasExited: false, pid: event.pid },
      },
    }
    state.tell(task, { topic: '/tasks/exit', time: now(), event })
  }
  if (task.facts.isCreated)
    state.tell(task, { topic: '/tasks/exit', time: now(), event: { containerId: id, id, pid, ...death } })
  await leave(state, task, { pid, ...death })
}

/** A shim whose start was interrupted may have written down where it listens. */
function readAddress(task: Task): void {
  const path = join(task.record.bundle, 'address')
  if (task.record.shim.address !== '' || !existsSync(path)) return
  task.remember({ shim: { ...task.record.shim, address: readFileSync(path, 'utf8').trim() } })
}

/** The last steps, the same for all: bundle, log and socket go, then the delete is told. */
export async function leave(state: ServiceState, task: Task, exit: ExitInfo): Promise<ExitInfo> {
  const { record } = task
  await endShim(state, task)
  await removeBundle(record.bundle)
  rmSync(state.dataOf(record), { recursive: true, force: true })
  const known = task.facts.exit
  const { pid } = exit
  const last = known === undefined ? exit : { pid, exitStatus: known.status, exitedAt: known.at }
  if (task.facts.isCreated) {
    const event = { containerId: record.id, id: '', ...last }
    state.tell(task, { topic: '/tasks/delete', time: now(), event })
  }
  state.ledger.bury(record.namespace, task.facts)
  state.drop(task)
  return last
}
