/** Ending everything in a container's cgroup. */

import { closeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { elapsed } from '../../base/clock.ts'
import { RuntimeError } from '../../base/errors.ts'
import { native } from '../../kernel/native.ts'
import { hasCgroupFile, isGone, writeCgroupFile } from './files.ts'
import { hasFreezer, isFrozen, thaw } from './freezer.ts'
import { ownHomes } from './identity.ts'
import { membersOf } from './members.ts'
import type { CgroupRecord } from './record.ts'

const SIGKILL = 9
const PATIENCE_MS = 10_000

/** To every member; one that ends meanwhile is no error. With SIGKILL the kernel does it in one step where it can (5.14). */
export function signalMembers(record: CgroupRecord, signal: number): void {
  const unified = ownHomes(record).find(({ version }) => version === 2)
  if (signal === SIGKILL && unified && hasCgroupFile(unified.path, 'cgroup.kill')) killAtOnce(unified.path)
  for (const pid of membersOf(record)) signalMember(record, pid, signal)
}

function killAtOnce(path: string): void {
  try {
    writeCgroupFile(path, 'cgroup.kill', '1')
  } catch (error) {
    // With its last process gone systemd takes the cgroup away.
    if (!isGone(path)) throw error
  }
}

/** Looked up again behind its descriptor: the pid may be somebody else's by now. */
function signalMember(record: CgroupRecord, pid: number, signal: number): void {
  const pidfd = native().pidfdOpen(pid)
  if (pidfd < 0) return
  if (membersOf(record).includes(pid)) native().pidfdSendSignal(pidfd, signal)
  closeSync(pidfd)
}

/**
 * SIGKILL until nobody is left. In a frozen cgroup of v1 the signal waits until it is thawed.
 * @throws RuntimeError `kill-failed`
 */
export async function killMembers(record: CgroupRecord): Promise<void> {
  const deadline = elapsed() + PATIENCE_MS
  for (let wait = 0; membersOf(record).length > 0; wait = Math.min(wait + 1, 20)) {
    if (elapsed() > deadline)
      throw new RuntimeError('kill-failed', {
        what: `processes ${membersOf(record).join(', ')} of the container do not end`,
        why: 'they hang inside the kernel',
      })
    signalMembers(record, SIGKILL)
    if (hasFreezer(record) && isFrozen(record)) thaw(record)
    await sleep(wait)
  }
}
