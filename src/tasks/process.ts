/** Processes that are not our children: shims, and first processes of containers. */
import { closeSync } from 'node:fs'
import { isGone, readProcess } from '../host/process.ts'
import { native } from '../kernel/native.ts'
import type { ProcessName } from './record.ts'

export function nameOf(pid: number): ProcessName {
  return { pid, startTime: readProcess(pid)?.startTime ?? '' }
}

/** Does it run, under this very name? */
export function isAlive({ pid, startTime }: ProcessName): boolean {
  const found = pid > 0 ? readProcess(pid) : undefined
  return found !== undefined && found.startTime === startTime && !isGone(found)
}

const SIGKILL = 9

/** SIGKILL, through a pidfd that was opened before the name was compared: never to a later process of that number. */
export function killProcess(name: ProcessName): void {
  if (name.pid <= 1 || name.pid === process.pid) return
  const pidfd = native().pidfdOpen(name.pid)
  if (pidfd < 0) return
  try {
    if (isAlive(name)) native().pidfdSendSignal(pidfd, SIGKILL)
  } finally {
    closeSync(pidfd)
  }
}

/** Waits until it is gone; false when it is not after so many milliseconds. It may be anybody's child. */
export async function waitGone(name: ProcessName, milliseconds: number): Promise<boolean> {
  const deadline = performance.now() + milliseconds
  for (let pause = 1; isAlive(name); pause = Math.min(pause * 2, 50)) {
    if (performance.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
  return true
}
