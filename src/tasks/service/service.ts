/**
 * The task service. One of them works on a directory at a time, as a daemon or within one command; what it knows is on
 * disk and with the shims, so that the next one finds it.
 */
import { RuntimeError } from '../../base/errors.ts'
import type * as api from '../api.ts'
import { readHappening } from '../events/event.ts'
import { checkName } from '../names.ts'
import { any } from '../protobuf/google.ts'
import { NoMessage } from '../protobuf/message.ts'
import {
  addExec,
  ask,
  checkpointTask,
  deleteTask,
  infoOf,
  pastExit,
  pidsOf,
  startProcess,
  statsOf,
  updateTask,
} from './calls.ts'
import { cleanUpDead } from './cleanup.ts'
import { createTask } from './create.ts'
import { findAll, restoreTasks } from './restore.ts'
import { missing, now, type ServiceOptions, ServiceState } from './state.ts'
import { execOf, type Task } from './task.ts'
import { sweepUnused } from './wrappers.ts'

/** No answer holds more events than this. */
const MOST_EVENTS = 1000
const done = {}

export class TaskService implements api.Tasks {
  readonly #state: ServiceState
  readonly #restoring: readonly Task[]

  private constructor(state: ServiceState, found: readonly Task[]) {
    this.#state = state
    this.#restoring = found
  }

  /** The caller holds the lock of the directory. Tasks get their shims back in `restore`, once those can reach us. */
  static open(options: ServiceOptions): TaskService {
    const state = new ServiceState(options)
    state.onShimLost = (task) => {
      // Whoever deletes it notices by itself; the making of one that is not there yet takes everything back.
      if (task.leaving === undefined && task.record.phase !== 'making') cleanUpDead(state, task).catch(() => {})
    }
    return new TaskService(state, findAll(state))
  }

  async restore(): Promise<void> {
    await restoreTasks(this.#state, this.#restoring)
    sweepUnused(this.#state)
  }

  /** Tasks go on, in their shims. What is being cleaned up is seen to its end. */
  async close(): Promise<void> {
    this.#state.isClosing = true
    await Promise.allSettled([...this.#state.tasks.values()].map((task) => task.leaving))
    for (const task of this.#state.tasks.values()) task.shim?.close()
    this.#state.ledger.close()
  }

  async info(): Promise<api.ServiceInfo> {
    const { options, ledger, problems } = this.#state
    return { pid: process.pid, version: options.version, problems: [...problems.values(), ...ledger.problems] }
  }

  async create(wish: api.CreateWish): Promise<api.TaskInfo> {
    return await infoOf(this.#state, await createTask(this.#state, wish))
  }

  async start(wish: api.ProcessTarget): Promise<{ readonly pid: number }> {
    await this.#ready(wish)
    return startProcess(this.#state, wish)
  }

  async exec(wish: api.ExecWish) {
    await this.#ready(wish)
    return addExec(this.#state, wish)
  }

  async state(wish: api.Target): Promise<api.TaskInfo> {
    await this.#ready(wish)
    return await infoOf(this.#state, this.#state.require(wish))
  }

  async list({ namespace }: { readonly namespace: string }): Promise<readonly api.TaskInfo[]> {
    const tasks = [...this.#state.tasks.values()].filter(({ record }) => record.namespace === namespace)
    await Promise.all(tasks.map((task) => task.found))
    // Those that turned out to be dead are gone now.
    const living = tasks.filter((task) => this.#state.find(task.record) === task)
    const found = await Promise.all(living.map((task) => infoOf(this.#state, task)))
    return found.sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  async namespaces(): Promise<readonly string[]> {
    return this.#state.ledger.namespaces
  }

  async kill({ execId = '', signal, all = false, ...target }: Parameters<api.Tasks['kill']>[0]): Promise<object> {
    await this.#ready(target)
    await ask(this.#state, target, ['Kill', { execId, signal, all }])
    return done
  }

  async pause(target: api.Target): Promise<object> {
    await this.#ready(target)
    await ask(this.#state, target, ['Pause', {}])
    return done
  }

  async resume(target: api.Target): Promise<object> {
    await this.#ready(target)
    await ask(this.#state, target, ['Resume', {}])
    return done
  }

  async pids(target: api.Target) {
    await this.#ready(target)
    return pidsOf(this.#state, target)
  }

  /** Of a task that is gone too, as long as its exit is remembered. */
  async wait({ execId = '', ...target }: api.ProcessTarget, gone?: AbortSignal): Promise<api.ExitInfo> {
    const task = this.#state.find(target)
    if (task === undefined && execId === '') return pastExit(this.#state, target)
    if (task === undefined || (execId !== '' && execOf(task.facts, execId) === undefined))
      throw missing(execId || target.id)
    const exit = await task.exitOf(execId, gone)
    if (exit === undefined && gone?.aborted !== true && execId === '') return pastExit(this.#state, target)
    if (exit === undefined) throw new RuntimeError('task-state', { what: `${execId || target.id} was never started` })
    const pid = execId === '' ? task.facts.pid : (execOf(task.facts, execId)?.pid ?? 0)
    return { pid, exitStatus: exit.status, exitedAt: exit.at }
  }

  async delete(wish: Parameters<api.Tasks['delete']>[0]): Promise<api.ExitInfo> {
    await this.#ready(wish)
    return deleteTask(this.#state, wish)
  }

  async resize({ execId = '', width, height, ...target }: Parameters<api.Tasks['resize']>[0]): Promise<object> {
    await this.#ready(target)
    await ask(this.#state, target, ['ResizePty', { execId, width, height }])
    return done
  }

  async closeInput({ execId = '', ...target }: api.ProcessTarget): Promise<object> {
    await this.#ready(target)
    await ask(this.#state, target, ['CloseIO', { execId, stdin: true }])
    return done
  }

  async checkpoint(wish: Parameters<api.Tasks['checkpoint']>[0]): Promise<object> {
    await this.#ready(wish)
    await checkpointTask(this.#state, wish)
    return done
  }

  async update(wish: Parameters<api.Tasks['update']>[0]): Promise<object> {
    await this.#ready(wish)
    await updateTask(this.#state, wish)
    return done
  }

  async stats(target: api.Target) {
    await this.#ready(target)
    return statsOf(this.#state, target)
  }

  async events(
    { namespace, from, most = MOST_EVENTS, wait }: api.EventsWish,
    gone?: AbortSignal,
  ): Promise<api.EventsAnswer> {
    const journal = this.#state.ledger.journal(checkName('namespace', namespace))
    if (wait) await journal.wait(from, gone)
    const events = journal.read(from, Math.min(most, MOST_EVENTS))
    return { events, next: (events.at(-1)?.seq ?? Math.max(journal.last, from - 1)) + 1 }
  }

  async publish({ namespace, topic, event }: Parameters<api.Tasks['publish']>[0]): Promise<object> {
    this.forward({ namespace, topic, time: now(), event: Buffer.from(event, 'base64') })
    return done
  }

  /**
   * An event of a shim. Written down before the answer: a shim may forget it then.
   * @throws RuntimeError `task-request`, `task-name`, `journal-broken`
   */
  forward({
    namespace,
    topic,
    time,
    event,
  }: {
    namespace: string
    topic: string
    time: string
    event: Uint8Array
  }): void {
    checkName('namespace', namespace)
    if (!/^\/[\x21-\x7e]{1,200}$/.test(topic))
      throw new RuntimeError('task-request', { what: `invalid topic ${JSON.stringify(topic.slice(0, 200))}` })
    try {
      const packed = any.decode(event)
      const known = readHappening(topic, time, packed)
      if (known !== undefined) {
        this.#take(namespace, known)
        return
      }
      const value = Buffer.from(packed.value).toString('base64')
      this.#state.ledger.append(namespace, { topic, time, event: { typeUrl: packed.typeUrl, value } })
    } catch (cause) {
      if (!(cause instanceof NoMessage)) throw cause
      throw new RuntimeError('task-request', { what: `the event of ${topic} cannot be read`, cause })
    }
  }

  /** Right after a start the shims are still looked for, each within its deadline. */
  async #ready(target: api.Target): Promise<void> {
    await this.#state.find(target)?.found
  }

  #take(namespace: string, happening: NonNullable<ReturnType<typeof readHappening>>): void {
    const id = happening.event.containerId
    const task = this.#state.find({ namespace, id })
    if (task !== undefined) this.#state.tell(task, happening)
    // What a shim repeats of a task that is gone was told already; of others we know nothing, and keep it as it is.
    else if (this.#state.ledger.past(namespace, id) === undefined)
      this.#state.ledger.append(namespace, { ...happening, event: { ...happening.event } })
  }
}
