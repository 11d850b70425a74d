/** Ending everything in a container's cgroup. */

import { closeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { elapsed } from '../../base/clock.ts'
import { RuntimeError } from '../../base/errors.ts'
import { native } from '../../kernel/native.ts'
import { hasCgroupFile, writeCgroupFile } from './files.ts'
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
  const pids = membersOf(record)
  while (pids.length > 0) signalSome(record, pids, signal)
}

function killAtOnce(path: string): void {
  try {
    writeCgroupFile(path, 'cgroup.kill', '1')
  } catch {
    // Its last process has gone and systemd has taken the cgroup away; or it may not be written to, such as in a file
    // system that is read-only by now. Each of them is signalled all the same.
  }
}

const EMFILE = 24
/** A usual limit of open files is 1024. */
const AT_ONCE = 256

/**
 * Takes the first of them off the list. Looked up again behind their descriptors: a pid may be somebody else's by now.
 * Many at once, because a look takes the longer the more there are: one for each would take minutes for a thousand.
 */
function signalSome(record: CgroupRecord, pids: number[], signal: number): void {
  const held: [pid: number, pidfd: number][] = []
  try {
    for (let pid = pids.pop(); pid !== undefined; pid = held.length < AT_ONCE ? pids.pop() : undefined) {
      const pidfd = native().pidfdOpen(pid)
      if (pidfd >= 0) held.push([pid, pidfd])
      else if (pidfd === -EMFILE && held.length > 0) {
        pids.push(pid)
        break
      }
    }
    const still = new Set(membersOf(record))
    for (const [pid, pidfd] of held) if (still.has(pid)) native().pidfdSendSignal(pidfd, signal)
  } finally {
    for (const [, pidfd] of held) closeSync(pidfd)
  }
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
