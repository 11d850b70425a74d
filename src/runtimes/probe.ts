/** Running a program that may hang, flood us, or leave children: its whole process group has one deadline. */
import { errnoOf } from '../base/errors.ts'

export interface ProbeWish {
  readonly path: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Milliseconds. */
  readonly timeout: number
}

export interface ProbeResult {
  readonly status: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
  /** Why it was not heard to its end: the errno of its start, `timeout`, or `flood`. */
  readonly broken: string | undefined
}

/** Bytes of stdout; of stderr only so many are kept. */
const LONGEST = 1 << 20
const KEPT_STDERR = 2000
/** How long output is still read when the program is gone and a child of it holds the pipe. Milliseconds. */
const GRACE = 100

/** Never rejects. When it resolves, nothing of the program's process group is left. */
export function probe({ path, args, env, timeout }: ProbeWish): Promise<ProbeResult> {
  const { spawn } = process.getBuiltinModule('node:child_process')
  return new Promise((resolve) => {
    const child = spawn(path, [...args], { env, cwd: '/', detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    let size = 0
    let stderr = ''
    let broken: string | undefined
    const stop = (why: string) => {
      broken ??= why
      killGroup(child.pid)
    }
    const timer = setTimeout(stop, timeout, 'timeout')
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > LONGEST) stop('flood')
      else chunks.push(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString().slice(0, KEPT_STDERR - stderr.length)
    })
    let isDone = false
    const done = (status: number | null, signal: string | null) => {
      if (isDone) return
      isDone = true
      clearTimeout(timer)
      killGroup(child.pid)
      child.stdout.destroy()
      child.stderr.destroy()
      resolve({ status, signal, stdout: Buffer.concat(chunks).toString(), stderr: stderr.trim(), broken })
    }
    child.on('error', (failure) => {
      broken = errnoOf(failure) ?? 'EINVAL'
      done(null, null)
    })
    child.on('exit', (status, signal) => setTimeout(done, GRACE, status, signal))
    child.on('close', done)
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // All of it has ended.
  }
}
