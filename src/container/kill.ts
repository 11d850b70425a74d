import { RuntimeError } from '../base/errors.ts'
import { loadRecord } from '../state/store.ts'
import type { Context } from './context.ts'
import { parseId } from './id.ts'
import { statusOf } from './oci-state.ts'
import { hasPrivatePids, signalAll, signalContainer } from './process.ts'

const SIGKILL = 9

/**
 * OCI kill: a signal to the first process, or with `all` to every one. SIGKILL without a private pid namespace means
 * all: nothing else would end the rest. No lock: it must answer while another command works on the container.
 * @throws RuntimeError `container-missing`, `container-not-running`, `process-finished`
 */
export async function kill(ctx: Context, id: string, signal: number, options: { all?: boolean } = {}): Promise<void> {
  const record = loadRecord(ctx.root, parseId(id))
  const status = statusOf(record, ctx.host, ctx.root)
  if (status === 'stopped' || record.pid === 0) throw new RuntimeError('container-not-running')
  if (options.all || (signal === SIGKILL && !hasPrivatePids(record))) signalAll(record, signal)
  else signalContainer(record, signal, ctx.host)
}
