/** restore: a container from an image of checkpoint, and from a bundle like the one that it was made of. */
import { Dispose } from '../base/dispose.ts'
import { catchSignals, releaseSignals } from '../kernel/interruption.ts'
import { checkLabels, readWishes } from '../linux/criu/wishes.ts'
import type { Context } from './context.ts'
import { attend, FOREGROUND_STDIO, INHERITED_STDIO } from './foreground.ts'
import { parseId } from './id.ts'
import { openNotify } from './notify.ts'
import { assertPidFilePlace } from './pid-file.ts'
import type { RestoreOptions, ReviveOptions } from './restore-options.ts'
import type { Revived } from './revival.ts'
import { revive } from './revive.ts'
import { takeAway, takeAwayWords } from './take-away.ts'

/**
 * In the foreground it stays until the program ends, and takes the container away. What fails leaves nothing behind.
 * @returns the exit status of the program, 0 when detached
 * @throws RuntimeError as create, and `criu-privileges`, `criu-missing`, `criu-old`, `criu-feature`, `criu-failed`,
 * `image-unusable`
 */
export async function restore(ctx: Context, id: string, asked: Omit<RestoreOptions, 'id'>): Promise<number> {
  const options = { ...asked, id: parseId(id) }
  const wishes = {
    ...readWishes(options),
    tcpClose: options.tcpClose ?? false,
    ...(options.lsmProfile === undefined ? {} : { lsmProfile: options.lsmProfile }),
    ...(options.lsmMountContext === undefined ? {} : { lsmMountContext: options.lsmMountContext }),
  }
  checkLabels(options, ctx.host.lsm)
  assertPidFilePlace(options.pidFile)
  await using undo = new Dispose()
  undo.push(releaseSignals)
  catchSignals(options.detach ? 'all' : 'ending')
  const stdio = options.detach ? INHERITED_STDIO : FOREGROUND_STDIO
  const revived = await reviveOnly(ctx, { ...options, wishes, stdio }, undo)
  const { record, slot } = revived
  const notify = openNotify(record, slot.directory, ctx)
  if (!options.detach) {
    notify?.relayHere()
    return await foreground(ctx, revived, undo)
  }
  notify?.relayAside(record.pid)
  undo.disarm()
  slot.unlock()
  return 0
}

/** What criu needed is closed before anybody waits. */
async function reviveOnly(ctx: Context, options: ReviveOptions, undo: Dispose): Promise<Revived> {
  await using ends = new Dispose()
  return await revive(ctx, options, { undo, ends })
}

async function foreground(ctx: Context, { slot, record, child }: Revived, undo: Dispose): Promise<number> {
  // Others may look at, signal or delete the container from now on.
  const onStarted = async () => slot.unlock()
  const atEnd = ctx.again && [...ctx.again, ...takeAwayWords(record)]
  const status = await attend(child, { maps: record.maps, onStarted, ...(atEnd && { atEnd }) })
  undo.disarm()
  slot.unlock()
  await takeAway(ctx, record)
  return status
}
