/** What the files of the service share: its tasks, its ledger, and how events are told. */
import { dirname, join } from 'node:path'
import { RuntimeError } from '../../base/errors.ts'
import { type Registry, stockRegistry } from '../../runtimes/registry.ts'
import type { Target } from '../api.ts'
import { type TaskHappening, timeText } from '../events/event.ts'
import type { JournalLimits } from '../events/journal.ts'
import { type Admitted, admit, runningExecs } from '../events/order.ts'
import type { Places } from '../places.ts'
import { millisecondsOf } from '../protobuf/google.ts'
import { taskStatuses } from '../protobuf/task.ts'
import type { ShimCall } from '../shim/binary.ts'
import { Shim } from '../shim/shim.ts'
import { Ledger } from './ledger.ts'
import type { Task } from './task.ts'

/** Milliseconds that a shim gets. */
export interface Deadlines {
  readonly connect: number
  /** For its program to start it, and to clean up. */
  readonly binary: number
  /** Create and Start run hooks of the container. */
  readonly make: number
  readonly call: number
  /** For all of one task when it is found again. */
  readonly restore: number
}

export const usualDeadlines: Deadlines = { connect: 5000, binary: 30_000, make: 120_000, call: 30_000, restore: 15_000 }

export interface ServiceOptions {
  readonly places: Places
  /** For shims and runtimes. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly uid: number
  readonly version: string
  /** Absolute path of our program. */
  readonly program: string
  /** The runtimes of the moment; those that need no settings when absent. */
  readonly registry?: () => Registry
  readonly deadlines?: Partial<Deadlines>
  readonly journal?: JournalLimits
  /** What is wrong and goes on. */
  readonly warn: (message: string) => void
}

export class ServiceState {
  readonly options: ServiceOptions
  readonly deadlines: Deadlines
  readonly ledger: Ledger
  readonly tasks = new Map<string, Task>()
  readonly problems = new Map<string, string>()
  readonly #shims = new Map<string, Promise<Shim>>()
  readonly #stock: Registry
  isClosing = false
  /** What happens to the tasks of a shim that is gone. */
  onShimLost: (task: Task) => void = () => {}

  constructor(options: ServiceOptions) {
    this.options = options
    this.deadlines = { ...usualDeadlines, ...options.deadlines }
    this.ledger = new Ledger(options.places.data, options.journal)
    const { program, places, env } = options
    this.#stock = stockRegistry({ env, programs: dirname(program), stateRoot: places.oci })
  }

  get registry(): Registry {
    return this.options.registry?.() ?? this.#stock
  }

  find({ namespace, id }: Target): Task | undefined {
    return this.tasks.get(`${namespace}/${id}`)
  }

  /** @throws RuntimeError `task-missing` */
  require(target: Target): Task {
    const task = this.find(target)
    if (task === undefined) throw missing(target.id)
    return task
  }

  /** @throws RuntimeError `shim-lost` */
  shimOf(task: Task): Shim {
    if (task.shim !== undefined) return task.shim
    const why = task.problem ?? 'the task is not made yet, or is being cleaned up'
    throw new RuntimeError('shim-lost', { what: `the shim of task ${task.record.id} cannot be asked`, why })
  }

  add(task: Task): void {
    this.tasks.set(`${task.record.namespace}/${task.record.id}`, task)
  }

  drop(task: Task): void {
    const key = `${task.record.namespace}/${task.record.id}`
    if (this.tasks.get(key) === task) this.tasks.delete(key)
    this.problems.delete(key)
    task.changed()
  }

  /** A program's connection is one, however many tasks its shim holds. */
  connect(address: { address: string; version: number }, timeout: number): Promise<Shim> {
    const known = this.#shims.get(address.address)
    if (known !== undefined) return known
    const made = Shim.connect({ ...address, uid: this.options.uid, timeout })
    this.#shims.set(address.address, made)
    const forget = () => {
      if (this.#shims.get(address.address) === made) this.#shims.delete(address.address)
    }
    made.then((shim) => shim.closed.then(() => this.#lost(shim, forget)), forget)
    return made
  }

  #lost(shim: Shim, forget: () => void): void {
    forget()
    if (this.isClosing) return
    for (const task of [...this.tasks.values()]) {
      if (task.shim !== shim) continue
      task.shim = undefined
      task.problem = 'its shim is gone'
      this.onShimLost(task)
    }
  }

  /** Is there another task in this shim? One that has not said where it listens holds nothing else. */
  isShared(task: Task): boolean {
    const { address } = task.record.shim
    return (
      address !== '' &&
      [...this.tasks.values()].some((other) => other !== task && other.record.shim.address === address)
    )
  }

  shimCall({ record }: Task): ShimCall {
    const { places, program, env } = this.options
    const { namespace, id, bundle, shim } = record
    const options = Buffer.from(shim.options, 'base64')
    const call = { binary: shim.binary, namespace, id, bundle, options, env, timeout: this.deadlines.binary }
    return { ...call, socket: places.socket, publishBinary: program }
  }

  bundlesOf(namespace: string): string {
    return join(this.options.places.state, namespace)
  }

  dataOf({ namespace, id }: Target): string {
    return join(this.options.places.data, namespace, 'tasks', id)
  }

  /** What of it is news is written down, in order. @throws RuntimeError `journal-broken` */
  tell(task: Task, happening: TaskHappening): void {
    this.settle(task, admit(task.facts, happening))
  }

  settle(task: Task, { facts, written }: Admitted): void {
    for (const told of written) this.ledger.append(task.record.namespace, told)
    task.facts = facts
    if (facts.held.some(({ topic, event }) => topic === '/tasks/exit' && event.id === facts.id)) this.#settleExecs(task)
    task.changed()
  }

  /** The container has ended while its execs are thought to run: their shim knows better, and their exits come first. */
  #settleExecs(task: Task): void {
    if (task.facts.isStarting) return
    for (const execId of runningExecs(task.facts)) {
      if (task.facts.execs[execId]?.isStarting === true) continue
      if (task.settling.has(execId)) continue
      task.settling.add(execId)
      void this.#settleExec(task, execId).finally(() => task.settling.delete(execId))
    }
  }

  async #settleExec(task: Task, execId: string): Promise<void> {
    const { id } = task.record
    let [exitStatus, exitedAt, pid] = [137, timeText(Date.now()), task.facts.execs[execId]?.pid ?? 0]
    try {
      // Long enough for the exits that are on their way; then nothing of the container runs any more.
      for (let tries = 0; tries < 20; tries++) {
        const state = await this.shimOf(task).call('State', { id, execId }, { timeout: 2000 })
        if (taskStatuses[state.status] === 'stopped') {
          exitStatus = state.exitStatus
          exitedAt = timeText(millisecondsOf(state.exitedAt) ?? Date.now())
          pid = state.pid || pid
          break
        }
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error
    }
    const event = { containerId: id, id: execId, pid, exitStatus, exitedAt }
    this.tell(task, { topic: '/tasks/exit', time: timeText(Date.now()), event })
  }
}

export const missing = (id: string): RuntimeError =>
  new RuntimeError('task-missing', { what: `task ${id} does not exist` })
export const now = (): string => timeText(Date.now())
