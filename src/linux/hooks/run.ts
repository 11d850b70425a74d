/** Hooks in our own namespaces: state on stdin, output kept for the error, a deadline for the whole process group. */
import { RuntimeError } from '../../base/errors.ts'
import { assertNotInterrupted, isInterrupted } from '../../kernel/interruption.ts'
import type { Hook } from '../../spec/types.ts'
import { hookName } from './name.ts'

/** How long output is still read after the hook itself has ended: a child of it may hold the pipe for ever. */
const GRACE_MS = 100
/** How often it is looked whether a signal has come. */
const LOOK_MS = 50
const KEPT = 2000
/** Node takes a longer time for none at all: 24 days. */
const LONGEST_MS = 2 ** 31 - 1

export interface HookRun {
  /** The OCI state as JSON. */
  readonly state: string
  readonly cwd: string
  /** For a hook without an environment of its own. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** JSON pointer of the hook. */
  readonly origin: string
  /** A signal to us ends it. Not where it is part of an undoing. */
  readonly isInterruptible?: boolean
}

interface Outcome {
  readonly code: number | null
  readonly signal: string | null
  readonly output: string
  readonly timedOut: boolean
}

/** @throws RuntimeError `hook-failed`, `hook-timeout`, `interrupted` */
export async function runHook(hook: Hook, run: HookRun): Promise<void> {
  const { code, signal, output, timedOut } = await attend(hook, run)
  if (run.isInterruptible) assertNotInterrupted()
  if (code === 0 && !timedOut) return
  const words = `error running ${hookName(run.origin)}: ${hook.path}`
  const said = output.trim() === '' ? [] : [output.trim()]
  if (timedOut) {
    const what = `${words}: hook ran past specified timeout of ${(hook.timeout ?? 0).toFixed(1)}s`
    throw new RuntimeError('hook-timeout', { what, details: said, origin: run.origin })
  }
  const how = signal ? `killed by ${signal}` : `exit status ${code}`
  throw new RuntimeError('hook-failed', {
    what: `${words}: ${how}`,
    details: said,
    origin: run.origin,
  })
}

function attend(hook: Hook, { state, cwd, origin, env: ownEnv, isInterruptible }: HookRun): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const [argv0, ...args] = hook.args && hook.args.length > 0 ? hook.args : [hook.path]
    const env = hook.env ? Object.fromEntries(hook.env.map(splitEntry)) : ownEnv
    // late: node:child_process brings the network modules along, and few containers have hooks
    const { spawn } = process.getBuiltinModule('node:child_process')
    const child = spawn(hook.path, args, { argv0: argv0 ?? hook.path, env, cwd, detached: true, stdio: 'pipe' })
    let output = ''
    let timedOut = false
    const keep = (chunk: Buffer) => {
      if (output.length < KEPT) output += chunk.toString().slice(0, KEPT - output.length)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.stdin.on('error', () => {}) // EPIPE: a hook need not read its input
    child.stdin.end(state)
    const timer = hook.timeout === undefined ? undefined : setTimeout(stop, Math.min(hook.timeout * 1000, LONGEST_MS))
    function stop() {
      timedOut = true
      killGroup(child.pid)
    }
    // Signals are caught in C, which the event loop does not hear of.
    const look = isInterruptible ? setInterval(() => isInterrupted() && killGroup(child.pid), LOOK_MS) : undefined
    child.on('error', (cause) => {
      clearTimeout(timer)
      clearInterval(look)
      const errno = 'code' in cause ? String(cause.code) : 'EINVAL'
      const what = `error running ${hookName(origin)}: ${hook.path}`
      reject(new RuntimeError('hook-failed', { what, errno, origin, cause }))
    })
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      clearInterval(look)
      const done = () => {
        child.stdout.destroy()
        child.stderr.destroy()
        resolve({ code, signal, output, timedOut })
      }
      const grace = setTimeout(done, GRACE_MS)
      child.on('close', () => {
        clearTimeout(grace)
        done()
      })
    })
  })
}

function splitEntry(entry: string): [string, string] {
  const equals = entry.indexOf('=')
  return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)]
}

/** The hook leads a process group of its own, so its children go with it. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // it ended by itself in the meantime
  }
}
