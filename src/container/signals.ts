/** Signals that a foreground command hands on to the container's first process. */
import { constants } from 'node:os'

/**
 * Not these: what cannot be caught, what is about our own children or pipes, what Node or the debugger uses, and what
 * only a terminal's owner should answer.
 */
const kept = new Set([
  'SIGKILL',
  'SIGSTOP',
  'SIGCHLD',
  'SIGPIPE',
  'SIGURG',
  'SIGPROF',
  'SIGWINCH',
  'SIGTTIN',
  'SIGTTOU',
  'SIGTSTP',
])
const faults = new Set(['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGSYS', 'SIGTRAP', 'SIGABRT'])

/** Forwards until the returned function is called. */
export function forwardSignals(send: (signal: number) => void): () => void {
  const handlers = Object.entries(constants.signals)
    .filter(([name]) => !kept.has(name) && !faults.has(name))
    .map(([name, number]) => ({ name: name as NodeJS.Signals, handler: () => send(number) }))
  const active = handlers.filter(({ name, handler }) => {
    try {
      process.on(name, handler)
      return true
    } catch {
      return false // a name that this Node cannot listen to, such as SIGUNUSED
    }
  })
  return () => {
    for (const { name, handler } of active) process.off(name, handler)
  }
}
