/** Really tries: a throw-away init makes the namespaces and ends. What it made goes with it. */
import type { Degradation } from '../base/issue.ts'
import type { Host } from '../host/facts.ts'
import { waitFor } from '../kernel/children.ts'
import { FD_NULL } from '../kernel/functions.ts'
import type { Op } from '../kernel/plan.ts'
import { messages } from '../kernel/plan-def.ts'
import { launch } from '../launch/launch.ts'
import type { ChosenMaps } from '../linux/idmap/choose.ts'
import { writeMaps } from '../linux/idmap/write.ts'

const origin = 'doctor'

/** The first ops of every trial: a user namespace with these maps, or none for real root. */
export function userNamespace(maps: ChosenMaps | undefined): Op[] {
  if (!maps) return []
  const [uid, gid] = [maps.uid[0], maps.gid[0]]
  const ids = {
    innerUid: uid?.inner ?? 0,
    outerUid: uid?.outer ?? 0,
    innerGid: gid?.inner ?? 0,
    outerGid: gid?.outer ?? 0,
  }
  const mapping: Op[] =
    maps.method === 'self'
      ? [{ op: 'mapSelf', ...ids, origin }]
      : [
          { op: 'say', message: messages.usernsMade, origin },
          { op: 'wait', message: messages.mapsWritten, origin },
        ]
  const become = { op: 'become', uid: 0, gid: 0, clearGroups: maps.denySetgroups ? 0 : 1, origin } as const
  return [{ op: 'unshareUser', origin }, ...mapping, become]
}

export interface Trial {
  readonly maps: ChosenMaps | undefined
  /** Namespaces of the first process: CLONE_NEW* of clone(2). */
  readonly flags: number
  /** What it then does. */
  readonly ops: readonly Op[]
}

/** Settles when init ended well, with what it could only do in a weaker way. @throws RuntimeError of the op that failed */
export async function prove({ maps, flags, ops }: Trial, host: Host): Promise<readonly Degradation[]> {
  const all: Op[] = [...userNamespace(maps), { op: 'born', flags, origin }, ...ops, { op: 'finish', status: 0, origin }]
  const mapsWritten = async (pid: number) => {
    if (maps) await writeMaps(pid, maps, host)
    return undefined
  }
  const child = await launch(
    { ops: all, degradations: [] },
    { host, fds: [FD_NULL, FD_NULL, FD_NULL], answers: { mapsWritten } },
  )
  child.conversation.close()
  await waitFor(child.pid)
  return child.weaker
}
