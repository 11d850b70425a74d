/** One task in memory: what its record says, what is known of its events, and the shim that holds it. */
import { errnoOf, isRuntimeError, RuntimeError } from '../../base/errors.ts'
import { type ExecFacts, type Exit, newFacts, type TaskFacts } from '../events/order.ts'
import { type TaskIo, type TaskRecord, writeRecord } from '../record.ts'
import type { Shim } from '../shim/shim.ts'

export class Task {
  #record: TaskRecord
  facts: TaskFacts
  /** Undefined while it is made, and where the shim does not answer. */
  shim: Shim | undefined
  /** Why `shim` is undefined, for people. */
  problem: string | undefined
  /** Whoever deletes it, or cleans up after it: two would be in each other's way. */
  leaving: Promise<unknown> | undefined
  /** Settles when its shim was looked for, after a start of the service. */
  found: Promise<void> | undefined
  /** Where the input and output of execs go, by their ids. */
  readonly execIo = new Map<string, TaskIo>()
  /** Execs whose exit is being asked for. */
  readonly settling = new Set<string>()
  readonly #watchers = new Set<() => void>()

  constructor(record: TaskRecord, facts = newFacts(record.id)) {
    this.#record = record
    this.facts = facts
  }

  get record(): TaskRecord {
    return this.#record
  }

  /** On disk and here. @throws RuntimeError `task-bundle` */
  save(change: Partial<TaskRecord>): void {
    const record = { ...this.#record, ...change }
    try {
      writeRecord(record)
    } catch (cause) {
      const errno = errnoOf(cause)
      if (errno === undefined) throw cause
      throw new RuntimeError('task-bundle', { what: `the record of task ${record.id} cannot be written`, errno, cause })
    }
    this.#record = record
  }

  /** Where it must go on though the disk is full: the next service finds the same out by itself. */
  saveIfPossible(change: Partial<TaskRecord>): void {
    try {
      this.save(change)
    } catch (error) {
      if (!isRuntimeError(error)) throw error
      this.remember(change)
    }
  }

  /** Only here: the disk is full, or the bundle is being removed. */
  remember(change: Partial<TaskRecord>): void {
    this.#record = { ...this.#record, ...change }
  }

  changed(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }

  /** Settles with the exit; undefined when the process will have none, or `gone`. */
  async exitOf(execId: string, gone?: AbortSignal): Promise<Exit | undefined> {
    for (;;) {
      const exec = execId === '' ? undefined : execOf(this.facts, execId)
      const exit = execId === '' ? this.facts.exit : exec?.exit
      const isOver = this.facts.isDeleted || gone?.aborted === true || (execId !== '' && (exec?.hasExited ?? true))
      if (exit !== undefined || isOver) return exit
      await this.#change(gone)
    }
  }

  #change(gone?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        this.#watchers.delete(settle)
        gone?.removeEventListener('abort', settle)
        resolve()
      }
      this.#watchers.add(settle)
      gone?.addEventListener('abort', settle)
    })
  }
}

export const execOf = ({ execs }: TaskFacts, id: string): ExecFacts | undefined =>
  Object.hasOwn(execs, id) ? execs[id] : undefined
