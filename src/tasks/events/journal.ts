/**
 * The events of one namespace, in files that are only appended to: `events-N.jsonl` begins with event N. An event is in
 * the page cache before anybody is told of it, so nothing is lost when we are killed; fdatasync(2) follows within a second,
 * for the case that the machine goes down. Readers read files, so none of them can hold the others up.
 */
import { closeSync, fdatasync, fsyncSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { makeDirectories } from '../../base/files.ts'
import type { Event, Happening } from './event.ts'
import { fileName, type JournalFile, listFiles, parse, readEvents, wholeLines } from './journal-files.ts'

export interface JournalLimits {
  /** Bytes of one file. */
  readonly fileSize: number
  /** How many files are kept. */
  readonly files: number
  /** Events that wait in memory while the disk is full. */
  readonly waiting: number
}

export const usualLimits: JournalLimits = { fileSize: 1 << 20, files: 16, waiting: 10_000 }
const SYNC_MS = 1000
const RETRY_MS = 1000

export class Journal {
  readonly namespace: string
  readonly #directory: string
  readonly #limits: JournalLimits
  #files: JournalFile[] = []
  #fd: number | undefined
  #next = 1
  #waiting: Event[] = []
  #timer: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  #listeners = new Set<() => void>()

  /** @throws RuntimeError `journal-broken` */
  constructor(namespace: string, directory: string, limits: JournalLimits = usualLimits) {
    this.namespace = namespace
    this.#directory = directory
    this.#limits = limits
    try {
      makeDirectories(directory, 0o700)
      this.#files = listFiles(directory)
      this.#next = this.#recover()
    } catch (cause) {
      throw broken(directory, cause)
    }
  }

  /** The number of the newest event; 0 before the first. */
  get last(): number {
    return this.#next - 1
  }

  /** The number of the oldest one that is kept. */
  get first(): number {
    return this.#files[0]?.first ?? this.#waiting[0]?.seq ?? this.#next
  }

  /** Events that wait for room on the disk. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Never waits. @throws RuntimeError `journal-broken` when neither disk nor memory has room */
  append(happening: Happening): Event {
    if (this.#waiting.length >= this.#limits.waiting)
      throw broken(this.#directory, undefined, `${this.#waiting.length} events wait for room on the disk`)
    const event: Event = { seq: this.#next, namespace: this.namespace, ...happening }
    this.#next++
    this.#waiting.push(event)
    this.flush()
    for (const listener of [...this.#listeners]) listener()
    return event
  }

  /** Writes what waits. @returns whether everything is written */
  flush(): boolean {
    while (this.#waiting[0] !== undefined) {
      try {
        this.#write(this.#waiting[0])
      } catch (error) {
        if (errnoOf(error) === undefined) throw error
        this.#retry ??= setTimeout(() => {
          this.#retry = undefined
          this.flush()
        }, RETRY_MS).unref()
        return false
      }
      this.#waiting.shift()
    }
    return true
  }

  /**
   * Events from a number on, at most `most` of them.
   * @throws RuntimeError `events-gone` when older ones are asked for than are kept
   */
  read(from: number, most = 1000): Event[] {
    if (from > 0 && from < this.first)
      throw new RuntimeError('events-gone', { what: `event ${from} is not kept any more; the oldest is ${this.first}` })
    const events: Event[] = []
    for (const [at, { first }] of this.#files.entries()) {
      const next = this.#files[at + 1]?.first ?? Number.POSITIVE_INFINITY
      if (next <= from) continue
      for (const event of readEvents(join(this.#directory, fileName(first)))) {
        if (event.seq >= from) events.push(event)
        if (events.length >= most) return events
      }
    }
    for (const event of this.#waiting) if (event.seq >= from && events.length < most) events.push(event)
    return events
  }

  /** Everything that is kept, oldest first, one file in memory at a time. */
  *replay(): Generator<Event> {
    for (const { first } of this.#files) yield* readEvents(join(this.#directory, fileName(first)))
  }

  /** Settles when there is an event of that number, or the signal says that nobody waits any more. */
  async wait(from: number, signal?: AbortSignal): Promise<void> {
    while (this.#next <= from && signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        const settle = () => {
          this.#listeners.delete(settle)
          signal?.removeEventListener('abort', settle)
          resolve()
        }
        this.#listeners.add(settle)
        signal?.addEventListener('abort', settle)
      })
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#retry)
    this.flush()
    clearTimeout(this.#retry)
    if (this.#fd === undefined) return
    fsyncSync(this.#fd)
    closeSync(this.#fd)
    this.#fd = undefined
  }

  #write(event: Event): void {
    const line = Buffer.from(`${JSON.stringify(event)}\n`)
    const file = this.#fileFor(event.seq, line.length)
    const fd = this.#open(file)
    try {
      // A part of a line, where the disk is full, is taken back: the next one must begin at its own beginning.
      if (writeSync(fd, line) < line.length) throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' })
      file.size += line.length
    } catch (error) {
      ftruncateSync(fd, file.size)
      throw error
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      if (this.#fd !== undefined) fdatasync(this.#fd, () => {})
    }, SYNC_MS).unref()
  }

  #fileFor(seq: number, size: number): JournalFile {
    const last = this.#files.at(-1)
    if (last !== undefined && (last.size === 0 || last.size + size <= this.#limits.fileSize)) return last
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
    const made = { first: seq, size: 0 }
    this.#files.push(made)
    for (const old of this.#files.splice(0, Math.max(0, this.#files.length - this.#limits.files)))
      rmSync(join(this.#directory, fileName(old.first)), { force: true })
    return made
  }

  #open({ first }: { first: number }): number {
    this.#fd ??= openSync(join(this.#directory, fileName(first)), 'a', 0o600)
    return this.#fd
  }

  /** Cuts off a line that a crash of the machine left half written. @returns the next number */
  #recover(): number {
    const last = this.#files.at(-1)
    if (last === undefined) return 1
    const path = join(this.#directory, fileName(last.first))
    const bytes = readFileSync(path)
    const whole = wholeLines(bytes)
    last.size = whole.length
    const events = parse(whole)
    if (whole.length < bytes.length) {
      this.#fd = openSync(path, 'a', 0o600)
      ftruncateSync(this.#fd, whole.length)
    }
    return (events.at(-1)?.seq ?? last.first - 1) + 1
  }
}

function broken(directory: string, cause: unknown, why?: string): RuntimeError {
  const errno = errnoOf(cause)
  return new RuntimeError('journal-broken', {
    what: `the journal of events in ${directory} cannot be used`,
    ...(errno && { errno }),
    ...(why && { why }),
    cause,
  })
}
