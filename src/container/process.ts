/** Ending processes for sure: by pidfd, which names one process and no later one. */

import { closeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { elapsed } from '../base/clock.ts'
import { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { isGone, processesOf, readProcess } from '../host/process.ts'
import { errnoName } from '../kernel/errno.ts'
import { native } from '../kernel/native.ts'
import { isFrozen, thaw } from '../linux/cgroups/freezer.ts'
import { killMembers, signalMembers } from '../linux/cgroups/kill.ts'
import { isNew } from '../linux/scene.ts'
import type { ContainerRecord } from '../state/record.ts'
import { isAlive } from './oci-state.ts'

const SIGKILL = 9
const PATIENCE_MS = 10_000

/** An open pidfd, or undefined when the process is gone. The caller checks the identity after, and closes it. */
function openPidfd(pid: number): number | undefined {
  const fd = native().pidfdOpen(pid)
  return fd < 0 ? undefined : fd
}

/** Waits in small steps, so that the event loop goes on. */
async function waitForEnd(pidfd: number): Promise<boolean> {
  const deadline = elapsed() + PATIENCE_MS
  for (let pause = 0; elapsed() < deadline; pause = Math.min(pause + 1, 20)) {
    if (native().waitReadable(pidfd, 0) > 0) return true
    await sleep(pause)
  }
  return false
}

/** SIGKILL, and then until it is dead. `startTime` keeps us from a later process that got the same pid. */
export async function killProcess(pid: number, startTime: string): Promise<void> {
  const pidfd = openPidfd(pid)
  if (pidfd === undefined) return
  try {
    const facts = readProcess(pid)
    if (facts === undefined || facts.startTime !== startTime || isGone(facts)) return
    native().pidfdSendSignal(pidfd, SIGKILL)
    if (!(await waitForEnd(pidfd)))
      throw new RuntimeError('kill-failed', { what: `process ${pid} does not end`, why: 'it hangs inside the kernel' })
  } finally {
    closeSync(pidfd)
  }
}

/** A pid namespace that was joined holds others' processes too. */
export const hasPrivatePids = (record: ContainerRecord): boolean => isNew(record.spec, 'pid')

/** @throws RuntimeError `process-finished`, `kill-failed` */
export function signalContainer(record: ContainerRecord, signal: number, host: Host): void {
  const pidfd = openPidfd(record.pid)
  try {
    // Only now is the identity checked: the descriptor holds whichever process has the pid at this moment.
    if (pidfd === undefined || !isAlive(record, host)) throw new RuntimeError('process-finished', { errno: 'ESRCH' })
    const sent = native().pidfdSendSignal(pidfd, signal)
    if (sent === 0) return
    // CRI-O looks for `no such process`, containerd for the words before it.
    if (errnoName(-sent) === 'ESRCH') throw new RuntimeError('process-finished', { errno: 'ESRCH' })
    throw new RuntimeError('kill-failed', { what: `cannot send signal ${signal}`, errno: errnoName(-sent) })
  } finally {
    if (pidfd !== undefined) closeSync(pidfd)
  }
}

/** Everything in the container: what is in its cgroup, or without one what its first process shows to be in it. */
export function signalAll(record: ContainerRecord, signal: number): void {
  if (record.cgroup.manager !== 'none') {
    signalMembers(record.cgroup, signal)
    return
  }
  const members = processesOf(record.pid, hasPrivatePids(record)).flatMap((pid) => readProcess(pid) ?? [])
  for (const { pid, startTime } of members) {
    const pidfd = openPidfd(pid)
    if (pidfd === undefined) continue
    if (readProcess(pid)?.startTime === startTime) native().pidfdSendSignal(pidfd, signal)
    closeSync(pidfd)
  }
}

/** Ends the container. In a private pid namespace the kernel takes the rest along with the first process. */
export async function killContainer(record: ContainerRecord, host: Host): Promise<void> {
  if (!isAlive(record, host)) return
  if (isFrozen(record.cgroup)) thawKilled(record)
  const members = hasPrivatePids(record) ? [] : processesOf(record.pid, false)
  const others = members.flatMap((pid) => readProcess(pid) ?? [])
  await killProcess(record.pid, record.startTime)
  for (const { pid, startTime } of others) await killProcess(pid, startTime)
  if (!hasPrivatePids(record)) await killMembers(record.cgroup)
}

/** In a frozen cgroup of v1 a signal waits. It is sent before the thaw, so that nothing runs again in between. */
function thawKilled(record: ContainerRecord): void {
  signalMembers(record.cgroup, SIGKILL)
  thaw(record.cgroup)
}

/** After a SIGKILL: whoever was frozen is to die of it. */
export function thawForKill({ cgroup }: ContainerRecord): void {
  if (isFrozen(cgroup)) thaw(cgroup)
}
