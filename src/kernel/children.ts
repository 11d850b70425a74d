/**
 * Waits for children that Node did not start. SIGCHLD says that one ended, wait4(2) by pid says which: never
 * `wait(-1)`, because that would steal the children of child_process.
 */
import { isMainThread } from 'node:worker_threads'
import { elapsed } from '../base/clock.ts'
import { RuntimeError } from '../base/errors.ts'
import { errnoName } from './errno.ts'
import { native } from './native.ts'

/** How a process ended: exactly one of the two is set. */
export interface Ended {
  readonly exitCode: number | undefined
  readonly signal: number | undefined
}

/** Without a function: nobody wants to hear of it. */
const waiting = new Map<number, ((ended: Ended) => void) | undefined>()
const status = new Int32Array(1)
let timer: NodeJS.Timeout | undefined

/** wait(2): low 7 bits the signal, next byte the exit code. */
function unpack(packed: number): Ended {
  const signal = packed & 0x7f
  return signal === 0 ? { exitCode: (packed >> 8) & 0xff, signal: undefined } : { exitCode: undefined, signal }
}

/** Takes the status of one child if it has ended. An unknown child (ECHILD) counts as killed. */
export function reap(pid: number): Ended | undefined {
  const got = native().wait(pid, 0, status)
  if (got === 0) return undefined
  return got < 0 ? { exitCode: undefined, signal: 9 } : unpack(status[0] ?? 0)
}

function sweep(): void {
  for (const [pid, settle] of waiting) {
    const ended = reap(pid)
    if (!ended) continue
    waiting.delete(pid)
    settle?.(ended)
  }
  if (waiting.size === 0) listen(false)
  else keepAlive()
}

/** As long as somebody waits, the event loop must not run empty. */
function keepAlive(): void {
  if ([...waiting.values()].some((settle) => settle !== undefined)) timer?.ref()
  else timer?.unref()
}

/** Signals reach only the main thread; a worker has to look for itself. The timer also keeps the event loop alive. */
function listen(on: boolean): void {
  if (on === (timer !== undefined)) return
  if (on) {
    timer = setInterval(sweep, isMainThread ? 1000 : 5)
    if (isMainThread) process.on('SIGCHLD', sweep)
  } else {
    clearInterval(timer)
    timer = undefined
    process.off('SIGCHLD', sweep)
  }
}

/** What a child's input and output go through: our ends of three pipes, or the master of its terminal. */
export interface Ends {
  readonly pipes: readonly [stdin: number, stdout: number, stderr: number]
  /** -1 without a terminal. */
  readonly console: number
}

/**
 * The same for a child whose input and output we carry. Blocks until all of it is out; undefined when the time is over.
 * @throws RuntimeError `attendance-lost`
 */
export function attend(pid: number, { pipes, console }: Ends, timeoutMs = -1): Ended | undefined {
  const got = native().attend(pid, Int32Array.from(pipes), console, timeoutMs, status)
  if (got === 0) return undefined
  if (got < 0) throw new RuntimeError('attendance-lost', { errno: errnoName(-got) })
  return unpack(status[0] ?? 0)
}

/** Blocks until the child has ended: only for one that is about to. */
export function waitNow(pid: number): void {
  native().wait(pid, 1, status)
}

const PAUSE_MS = 5

/** The same for one that may be stuck in the kernel: has it ended within so many milliseconds? */
export function waitBriefly(pid: number, patience: number): boolean {
  const clock = new Int32Array(new SharedArrayBuffer(4))
  for (const deadline = elapsed() + patience; elapsed() < deadline; Atomics.wait(clock, 0, 0, PAUSE_MS))
    if (reap(pid)) return true
  return false
}

/** Settles when the child has ended and is reaped. */
export function waitFor(pid: number): Promise<Ended> {
  const ended = reap(pid)
  if (ended) return Promise.resolve(ended)
  return new Promise((resolve) => {
    waiting.set(pid, resolve)
    listen(true)
    sweep() // it may have ended between the first look and the listening
  })
}

/** Of a child that is not reaped yet, so that its pid is nobody else's. */
export function killChild(pid: number, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch {
    // it has ended, and waits to be reaped
  }
}

/** Reaps in the background, without keeping the program alive. */
export function forget(pid: number): void {
  if (reap(pid)) return
  waiting.set(pid, undefined)
  listen(true)
  sweep()
}
