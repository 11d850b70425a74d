import { RuntimeError } from '../base/errors.ts'
import { killMembers } from '../linux/cgroups/kill.ts'
import { membersOf } from '../linux/cgroups/members.ts'
import { loadRecord } from '../state/read-record.ts'
import type { Context } from './context.ts'
import { parseId } from './id.ts'
import { statusOf } from './oci-state.ts'
import { hasPrivatePids, signalAll, signalContainer, thawForKill } from './process.ts'

const SIGKILL = 9

export interface KillOptions {
  readonly all?: boolean
  /** A container that has stopped is no error: it was only found by a pattern. */
  readonly stopped?: 'ignore'
}

/**
 * OCI kill: a signal to the first process, or with `all` to every one. SIGKILL without a private pid namespace means
 * all: nothing else would end the rest. With `all` a stopped container is no error: nothing is left to signal. No lock:
 * it must answer while another command works on the container.
 * @throws RuntimeError `container-missing`, `container-not-running`, `process-finished`
 */
export async function kill(ctx: Context, id: string, signal: number, options: KillOptions = {}): Promise<void> {
  const record = loadRecord(ctx.root, parseId(id))
  const status = statusOf(record, ctx.host, ctx.root)
  const isWhole = signal === SIGKILL && !hasPrivatePids(record)
  // What outlived the first process is still in the cgroup; after a reboot that is somebody else's.
  if (isWhole && status === 'stopped' && record.bootId === ctx.host.bootId && membersOf(record.cgroup).length > 0) {
    await killMembers(record.cgroup)
    return
  }
  if (status === 'stopped' || record.pid === 0) {
    if (options.all || options.stopped === 'ignore') return
    throw new RuntimeError('container-not-running')
  }
  ctx.log.debug(`signal ${signal} for process ${record.pid}`, 'kill')
  if (options.all || isWhole) signalAll(record, signal)
  else signalContainer(record, signal, ctx.host)
  if (signal === SIGKILL) thawForKill(record)
}
