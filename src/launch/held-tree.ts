/** A mount of the container that init holds, and whose ids only we may map: it is in the user namespace already. */
import { closeSync, openSync } from 'node:fs'
import { RuntimeError } from '../base/errors.ts'
import { errnoName } from '../kernel/errno.ts'
import { native } from '../kernel/native.ts'
import type { Op } from '../kernel/plan.ts'

/** By the maps of the namespace of `pid`. @returns the errno of a refusal */
export function mapHeldTree(
  op: Op | undefined,
  { fd, pid }: { fd: number | undefined; pid: number },
): string | undefined {
  if (op?.op !== 'mapSource' || fd === undefined || pid === 0)
    throw new RuntimeError('internal', { what: 'init sent a mount that nobody asked for' })
  const userns = openSync(`/proc/${pid}/ns/user`, 'r')
  try {
    const got = native().mapTree(fd, userns, Number(op.mapRecursive))
    return got < 0 ? errnoName(-got) : undefined
  } finally {
    closeSync(userns)
  }
}
