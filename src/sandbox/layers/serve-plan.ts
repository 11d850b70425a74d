/**
 * fuse-overlayfs for one folder of a layer, contained like a command. It reads files of the host for somebody hostile, so
 * it sees what the command may see, the folder, and what was changed in it; it has no network, and no power over anything
 * but files of ours. Pure.
 */
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUTS,
  capabilityNumber,
  MS_PRIVATE,
  MS_REC,
} from '../../kernel/constants.ts'
import type { Op, Plan } from '../../kernel/plan.ts'
import { procOps } from '../dev-and-proc.ts'
import { planCalls } from '../filter.ts'
import { planGroups } from '../groups.ts'
import {
  bindHeld,
  CLOSED,
  privateFiles,
  privateFolders,
  readonlyTree,
  Slots,
  tmpfs,
  writableTree,
} from '../mount-ops.ts'
import { isWithin, type Policy } from '../policy.ts'

/** What goes to the server: one folder, and the directory with `upper` and `work`. */
export interface Served {
  readonly folder: string
  readonly changes: string
  /** Real path of fuse-overlayfs. */
  readonly program: string
}

/** Behind stdin, stdout and stderr: first the socket that the device comes through, then the device. */
const DEVICE = 3
/** On a /dev of its own, which no folder can be. */
const PLACE = '/dev/layer'
const origin = 'layer'

export function planServer(served: Served, policy: Policy): Plan {
  const slots = new Slots()
  const body = view(served, policy, slots)
  return {
    ops: [
      ...namespaces(policy),
      ...slots.ops,
      { op: 'rootHere', origin },
      closeAll,
      ...body,
      ...server(served, policy),
    ],
    degradations: [],
  }
}

/** Root there, as fuse-overlayfs leaves modes of files alone only then. */
function namespaces({ host: { uid, gid, hasCgroupNamespaces }, groups, maps }: Policy): Op[] {
  const all = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET
  return [
    // where newgidmap is needed for that, the kernel alone keeps the command from what is for the groups that it has not
    ...(maps === undefined ? planGroups(groups) : []),
    { op: 'unshareUser', origin },
    { op: 'mapSelf', innerUid: 0, outerUid: uid, innerGid: 0, outerGid: gid, origin },
    { op: 'born', flags: (all | (hasCgroupNamespaces ? CLONE_NEWCGROUP : 0)) >>> 0, origin },
    { op: 'session', origin },
    { op: 'keyring', label: '', origin },
    { op: 'propagate', flags: MS_PRIVATE | MS_REC, origin },
  ]
}

const closeAll: Op = { op: 'attr', target: '/', set: CLOSED, clear: 0, recursive: 1, spare: 0, locked: 0, origin }

function view({ folder, changes, program }: Served, policy: Policy, slots: Slots): Op[] {
  const { privates } = policy
  const isPrivate = (path: string) => privates.some((place) => isWithin(path, place.path))
  const hold = (path: string) => slots.hold(path, origin)
  const [folderSlot, changesSlot, nullSlot] = [hold(folder), hold(changes), hold('/dev/null')]
  const tool = isPrivate(program) ? bindHeld({ target: program, slot: hold(program), origin }, true) : undefined
  const seen = (path: string) => isBelow(path, folder) || !(isPrivate(path) || isWithin(folder, path))
  return [
    ...privateFolders(policy, ''),
    tmpfs('/dev', 'mode=0700', origin),
    bindHeld({ target: '/dev/null', slot: nullSlot, origin }, true), // masks are made of it
    ...procOps(policy),
    ...privateFiles(policy),
    ...(tool === undefined ? [] : [tool, readonlyTree(program, origin)]),
    bindHeld({ target: folder, slot: folderSlot, origin }, isPrivate(folder)),
    readonlyTree(folder, origin),
    bindHeld({ target: PLACE, slot: changesSlot, origin }, true),
    writableTree(PLACE, changes, origin),
    // Not by masks, which are one directory in many places: by its number it would be one here too, and only once there.
    ...[...policy.hide, ...policy.deny].filter(seen).map((path): Op => ({ op: 'deny', path, origin })),
  ]
}

const isBelow = (path: string, folder: string): boolean => path !== folder && isWithin(path, folder)

/** For files that are closed to their owner, us: the kernel's overlay reads and changes them too. */
const POWER = 1n << BigInt(capabilityNumber('CAP_DAC_OVERRIDE') ?? 0)

function server({ folder, program: file }: Served, policy: Policy): Op[] {
  const { uid, gid } = policy.host
  // The command's own ids, which the mount speaks of; ours are 0.
  const ids = `uidmapping=0:${uid}:1,gidmapping=0:${gid}:1`
  // No name stands in the options: a colon or comma in it would be taken for a separator.
  const options = `lowerdir=.,upperdir=${PLACE}/upper,workdir=${PLACE}/work,${ids},volatile`
  const argv = ['fuse-overlayfs', '-f', '-o', options, `/dev/fd/${DEVICE}`]
  const env = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C']
  return [
    { op: 'reap', lingers: 0, origin },
    { op: 'umask', mask: 0, origin },
    { op: 'bounding', mask: POWER, origin },
    { op: 'cwd', path: folder, lenient: 0, origin },
    { op: 'caps', effective: POWER, permitted: POWER, inheritable: 0, ambient: 0, origin },
    { op: 'noNewPrivs', origin },
    { op: 'lookup', file, search: '', origin },
    { op: 'receive', fd: DEVICE, origin },
    ...planCalls({ ...policy, sharesGroup: false }, { isWatched: false, keepFds: 1 }),
    { op: 'exec', file, search: '', argv, env, keepFds: 1, origin },
  ]
}
