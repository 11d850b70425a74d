/**
 * One line on a terminal about what takes longer than a second, taken away at the end. Most of our work blocks the event
 * loop (a walk over a tree, a wait for criu), so a thread of its own writes the line, and only there where a person looks.
 */
import { Worker } from 'node:worker_threads'

export interface Progress extends Disposable {
  /** Instead of the seconds that have passed. */
  show(done: number, all: number): void
  /** Takes the line away for something else that is written; it comes back with the next tick. */
  erase(): void
  /** Takes the line away for good. May be called again. */
  end(): void
}

export interface ProgressOptions {
  /** A terminal. */
  readonly fd: number
  /** Milliseconds without a line. Default 1000. */
  readonly patienceMs?: number
  /** Milliseconds between two lines. Default 200. */
  readonly everyMs?: number
}

/** Cells that both threads see. `shown` is how many columns the line takes. */
const cell = { ended: 0, lock: 1, shown: 2, done: 3, all: 4 } as const

/** Text, because the command line is one file; blanks and \r, because that is what every terminal knows. */
const writer = `
const { workerData } = require('node:worker_threads')
const { writeSync } = require('node:fs')
const { what, fd, patienceMs, everyMs, began, cell } = workerData
const cells = new Int32Array(workerData.memory)
for (let wait = began + patienceMs - Date.now(); Atomics.wait(cells, cell.ended, 0, Math.max(0, wait)) === 'timed-out'; wait = everyMs) {
  while (Atomics.compareExchange(cells, cell.lock, 0, 1) !== 0) Atomics.wait(cells, cell.lock, 1)
  if (Atomics.load(cells, cell.ended) === 0) {
    const all = Atomics.load(cells, cell.all)
    const state = all > 0 ? Atomics.load(cells, cell.done) + ' of ' + all : Math.round((Date.now() - began) / 1000) + ' s'
    const line = ('usnea: ' + what + ': ' + state).slice(0, 79)
    const before = Atomics.exchange(cells, cell.shown, line.length)
    try { writeSync(fd, '\\r' + line.padEnd(before)) } catch {}
  }
  Atomics.store(cells, cell.lock, 0)
  Atomics.notify(cells, cell.lock)
}
`

export const silentProgress: Progress = { show() {}, erase() {}, end() {}, [Symbol.dispose]() {} }

/** `what` is ours and short. `write` writes to the same terminal. Never throws: a line is not worth an error. */
export function openProgress(
  what: string,
  write: (text: string) => void,
  { fd, patienceMs = 1000, everyMs = 200 }: ProgressOptions,
): Progress {
  const memory = new SharedArrayBuffer(Object.keys(cell).length * Int32Array.BYTES_PER_ELEMENT)
  const cells = new Int32Array(memory)
  const workerData = { what, fd, patienceMs, everyMs, began: Date.now(), cell, memory }
  try {
    const worker = new Worker(writer, { eval: true, workerData, env: {}, execArgv: [] })
    worker.on('error', () => {}).unref()
  } catch {
    return silentProgress
  }
  const erase = () => {
    while (Atomics.compareExchange(cells, cell.lock, 0, 1) !== 0) Atomics.wait(cells, cell.lock, 1)
    const columns = Atomics.exchange(cells, cell.shown, 0)
    if (columns > 0) write(`\r${' '.repeat(columns)}\r`)
    Atomics.store(cells, cell.lock, 0)
    Atomics.notify(cells, cell.lock)
  }
  const end = () => {
    Atomics.store(cells, cell.ended, 1)
    Atomics.notify(cells, cell.ended)
    erase()
  }
  return {
    show(done, all) {
      Atomics.store(cells, cell.done, done)
      Atomics.store(cells, cell.all, all)
    },
    erase,
    end,
    [Symbol.dispose]: end,
  }
}
