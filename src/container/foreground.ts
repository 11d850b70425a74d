/** What run and exec share once the program runs: its input and output, its signals, its end. */
import { type Ended, waitFor } from '../kernel/children.ts'
import { FD_PIPE_IN, FD_PIPE_OUT } from '../kernel/native.ts'
import type { Child } from '../launch/launch.ts'
import { forwardSignals } from './signals.ts'
import { Pump } from './stdio.ts'

export const FOREGROUND_STDIO = [FD_PIPE_IN, FD_PIPE_OUT, FD_PIPE_OUT] as const
export const INHERITED_STDIO = [0, 1, 2] as const

/** Shells' rule: the exit code, or 128 plus the signal. */
export const exitStatus = ({ exitCode, signal }: Ended): number => exitCode ?? 128 + (signal ?? 0)

/** Says `go` and stays until the program has ended. @returns its exit status */
export async function attend(child: Child): Promise<number> {
  const stop = forwardSignals((signal) => {
    try {
      process.kill(child.pid, signal)
    } catch {
      // it ended in the meantime
    }
  })
  try {
    const [stdin = -1, stdout = -1, stderr = -1] = child.pipes
    await child.go()
    const pump = new Pump({ stdin, stdout, stderr })
    const ended = await waitFor(child.pid)
    await pump.finish()
    return exitStatus(ended)
  } finally {
    stop()
  }
}
