/** create and start in one. In the foreground it stays until the program ends, and takes the container away. */
import { Dispose } from '../base/dispose.ts'
import { assertNotInterrupted } from '../kernel/interruption.ts'
import type { Context } from './context.ts'
import { begin, type CreateOptions, type Creation } from './create.ts'
import { attend, FOREGROUND_STDIO, INHERITED_STDIO } from './foreground.ts'
import { runPoststart, stateFor } from './hooks.ts'
import { openNotify } from './notify.ts'
import { writePidFile } from './pid-file.ts'
import { takeAway, takeAwayWords } from './take-away.ts'

export interface RunOptions extends CreateOptions {
  readonly detach?: boolean
  /** Leave the container behind when the program has ended. */
  readonly keep?: boolean
}

/** @returns the exit status of the program, 0 when detached */
export async function run(ctx: Context, options: RunOptions): Promise<number> {
  await using undo = new Dispose()
  const stdio = options.detach ? INHERITED_STDIO : FOREGROUND_STDIO
  const creation = await begin(ctx, { ...options, stdio, gate: false, detached: options.detach ?? false }, undo)
  const { slot, record, child } = creation
  if (options.pidFile !== undefined) writePidFile(options.pidFile, record.pid, undo)
  const notify = openNotify(record, slot.directory, ctx)
  if (options.detach) {
    notify?.relayAside(record.pid)
    await child.go(stateFor(record, 'startContainer'))
    await runPoststart(record, ctx)
    assertNotInterrupted()
    undo.disarm()
    slot.unlock()
    return 0
  }
  notify?.relayHere()
  return await foreground(ctx, { creation, undo, keep: options.keep ?? false })
}

interface Foreground {
  readonly creation: Creation
  readonly undo: Dispose
  readonly keep: boolean
}

async function foreground(ctx: Context, { creation, undo, keep }: Foreground): Promise<number> {
  const { slot, record, child } = creation
  const onStarted = () => poststart(creation, ctx)
  const status = await attend(child, {
    state: stateFor(record, 'startContainer'),
    maps: record.maps,
    onStarted,
    ...(ctx.again && { atEnd: keep ? [] : [...ctx.again, ...takeAwayWords(record)] }),
  })
  undo.disarm()
  slot.unlock()
  if (!keep) await takeAway(ctx, record)
  return status
}

/** Others may look at, signal or delete the container from now on, so the lock is only for its beginning. */
async function poststart({ slot, record }: Creation, ctx: Context): Promise<void> {
  await runPoststart(record, ctx)
  slot.unlock()
}
