/** The events of all namespaces, and the exits of tasks that are gone: rebuilt from the journals, kept as they come. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Event, Happening, TaskHappening } from '../events/event.ts'
import { Journal, type JournalLimits } from '../events/journal.ts'
import { admit, type Exit, newFacts, type TaskFacts } from '../events/order.ts'
import { whyNotName } from '../names.ts'
import { isTaskTopic } from '../protobuf/events.ts'

/** The exits of so many tasks that are gone can still be asked for, in each namespace. */
const MOST_PAST = 4096

export interface Past extends Exit {
  readonly pid: number
}

interface Book {
  readonly journal: Journal
  readonly past: Map<string, Past>
}

export class Ledger {
  readonly #data: string
  readonly #limits: JournalLimits | undefined
  readonly #books = new Map<string, Book>()

  constructor(data: string, limits?: JournalLimits) {
    this.#data = data
    this.#limits = limits
  }

  get namespaces(): string[] {
    const known = existsSync(this.#data) ? readdirSync(this.#data).filter((name) => whyNotName(name) === undefined) : []
    return [...new Set([...this.#books.keys(), ...known])].sort()
  }

  /** @throws RuntimeError `journal-broken` */
  journal(namespace: string): Journal {
    return this.#book(namespace).journal
  }

  past(namespace: string, id: string): Past | undefined {
    return this.#book(namespace).past.get(id)
  }

  append(namespace: string, happening: Happening): Event {
    return this.#book(namespace).journal.append(happening)
  }

  bury(namespace: string, { id, pid, exit }: TaskFacts): void {
    if (exit === undefined) return
    const { past } = this.#book(namespace)
    past.delete(id)
    past.set(id, { ...exit, pid })
    for (const [oldest] of past) if (past.size > MOST_PAST) past.delete(oldest)
  }

  /** What the journal knows of tasks that are not deleted. */
  replay(namespace: string): Map<string, TaskFacts> {
    const { journal } = this.#book(namespace)
    const living = new Map<string, TaskFacts>()
    for (const event of journal.replay()) {
      const id = event.event.containerId
      if (!isTaskTopic(event.topic) || typeof id !== 'string') continue
      const { facts } = admit(living.get(id) ?? newFacts(id), event as unknown as TaskHappening)
      if (!facts.isDeleted) living.set(id, facts)
      else {
        living.delete(id)
        this.bury(namespace, facts)
      }
    }
    return living
  }

  /** Words of those that have no room on the disk. */
  get problems(): string[] {
    return [...this.#books.values()]
      .filter(({ journal }) => journal.waiting > 0)
      .map(({ journal }) => `${journal.waiting} events of namespace ${journal.namespace} wait for room on the disk`)
  }

  close(): void {
    for (const { journal } of this.#books.values()) journal.close()
  }

  #book(namespace: string): Book {
    let book = this.#books.get(namespace)
    if (book === undefined) {
      const journal = new Journal(namespace, join(this.#data, namespace, 'events'), this.#limits)
      book = { journal, past: new Map() }
      this.#books.set(namespace, book)
    }
    return book
  }
}
