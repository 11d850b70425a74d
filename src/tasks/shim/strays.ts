/**
 * Processes of a task that nobody has named: a shim that was started and not heard of before the service died, the program
 * that starts one, a runtime that a shim called. They are known by what they were called with, and by their directory.
 */
import { commandLineOf, processesIn, processIds } from '../../host/process.ts'
import { isAlive, killProcess, nameOf } from '../process.ts'

export interface Calling {
  readonly namespace: string
  readonly id: string
  readonly bundle: string
  /** Of the service: two services may have tasks of one name. */
  readonly socket: string
}

type Words = readonly string[]

const has = (words: Words, option: string, holds: (value: string) => boolean): boolean =>
  words.some((word, at) => word === option && holds(words[at + 1] ?? ''))

/** Containerd's command line for shims. */
export const isShim = (words: Words, { namespace, id, socket }: Calling): boolean =>
  has(words, '-namespace', (it) => it === namespace) &&
  has(words, '-id', (it) => it === id) &&
  has(words, '-address', (it) => it === socket)

/** Shims have the runtime write its log into the bundle. */
export const isRuntime = (words: Words, { bundle }: Calling): boolean =>
  has(words, '--log', (it) => it.startsWith(`${bundle}/`))

function find(calling: Calling): number[] {
  const called = processIds().filter((pid) => {
    const words = commandLineOf(pid)
    return isShim(words, calling) || isRuntime(words, calling)
  })
  return [...new Set([...called, ...processesIn(calling.bundle)])].filter((pid) => isAlive(nameOf(pid)))
}

/**
 * Lets a runtime come to its end, if it does within so many milliseconds: runc that is killed before it has written down
 * what it makes does not find its cgroups again.
 */
export async function waitForRuntimes(calling: Calling, milliseconds: number): Promise<void> {
  const deadline = performance.now() + milliseconds
  const isAtWork = (pid: number) => isRuntime(commandLineOf(pid), calling) && isAlive(nameOf(pid))
  while (processIds().some(isAtWork) && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20))
}

/** Ends them, and those that they were starting. @returns false when some are there after so many milliseconds */
export async function killStrays(calling: Calling, milliseconds: number): Promise<boolean> {
  const deadline = performance.now() + milliseconds
  for (let pids = find(calling); pids.length > 0; pids = find(calling)) {
    if (performance.now() > deadline) return false
    for (const pid of pids) killProcess(nameOf(pid))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return true
}
