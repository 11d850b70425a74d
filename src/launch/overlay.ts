/**
 * fuse-overlayfs for an overlay that the kernel refuses. It runs in the container's user namespace, so that it can give
 * files to the ids in there, and otherwise outside: with our file system, and where no process of the container sees it.
 * It ends by itself when the mount is gone, with the last process in the container's mount namespace.
 */
import { closeSync } from 'node:fs'
import { RuntimeError } from '../base/errors.ts'
import type { Degradation } from '../base/issue.ts'
import { CLONE_NEWNS, CLONE_NEWUSER, MS_REC, MS_SLAVE } from '../kernel/constants.ts'
import { errnoName } from '../kernel/errno.ts'
import type { Op, Plan } from '../kernel/plan.ts'
import { isOurs } from '../linux/namespaces/open.ts'

export type OverlayOp = Extract<Op, { op: 'overlay' }>

/** What it understands. */
const layers = ['lowerdir', 'upperdir', 'workdir'] as const

/** Of the options of an overlay those that name its layers, and all others. A comma in a path is escaped, as in overlayfs. */
export function splitOptions(data: string): { readonly kept: string[]; readonly left: string[] } {
  const options = data.match(/(?:\\.|[^,\\])+/g) ?? []
  const isLayer = (option: string) => layers.some((name) => option.startsWith(`${name}=`))
  return { kept: options.filter(isLayer), left: options.filter((option) => !isLayer(option)) }
}

/** Descriptor 3 is the device, and 4 the user namespace, if it is another one than ours. Pure. */
export function planService({ program, data, origin }: OverlayOp, joinsUser: boolean): Plan {
  const argv = ['fuse-overlayfs', '-f', '-o', splitOptions(data).kept.join(), '/dev/fd/3']
  const name = 'user namespace of the container'
  return {
    ops: [
      ...(joinsUser ? [{ op: 'join', fd: 4, type: CLONE_NEWUSER, name, origin } as const] : []),
      { op: 'become', uid: 0, gid: 0, clearGroups: 0, origin },
      { op: 'born', flags: CLONE_NEWNS, origin },
      { op: 'session', origin },
      { op: 'propagate', flags: MS_SLAVE | MS_REC, origin },
      { op: 'exec', file: program, search: '', argv, env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'], keepFds: 1, origin },
    ],
    degradations: [],
  }
}

export function describeService({ target, data, origin }: OverlayOp, errno: number): Degradation {
  const { left } = splitOptions(data)
  const without = left.length === 0 ? '' : `, without ${left.join(', ')}`
  return {
    pointer: origin,
    message: `the overlay at ${target} is served by fuse-overlayfs${without}: the kernel refuses it (${errnoName(errno)})`,
    loud: true,
  }
}

interface Held {
  readonly device: number
  readonly userns: number
}

/** Starts it; both descriptors are closed then. `start` runs a plan, and is settled when its program runs. */
export async function serveOverlay(
  op: Op | undefined,
  { device, userns }: Held,
  start: (plan: Plan, fds: readonly number[]) => Promise<unknown>,
): Promise<void> {
  try {
    if (op?.op !== 'overlay') throw new RuntimeError('internal', { what: 'init asked for a service that no op has' })
    const joins = !isOurs(userns, 'user')
    await start(planService(op, joins), joins ? [device, userns] : [device])
  } finally {
    closeSync(device)
    closeSync(userns)
  }
}
