/**
 * The common calls without Node: what native/quick is to do is decided here, while Node runs anyway. What is left out
 * of a shortcut is not done by it: then it starts Node, which has the code for every case.
 */
import { freezerPath } from '../linux/cgroups/freezer.ts'
import { type CgroupRecord, homeOfController } from '../linux/cgroups/record.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Shortcut } from '../state/shortcut.ts'
import type { Slot } from '../state/slot.ts'
import type { Context } from './context.ts'
import { stateFor } from './hooks.ts'
import { limitsOf } from './limits.ts'
import { hasPrivatePids } from './process.ts'
import { stateText } from './state-text.ts'

/** Beside the record that was just saved. */
export function leaveShortcut(slot: Slot, record: ContainerRecord, ctx: Context): void {
  if (!record.ready || record.pid === 0 || record.stopped) return
  try {
    slot.keepShortcut(shortcutOf(record, ctx))
  } catch (error) {
    // Without it every call is as right as with it.
    ctx.log.debug(`no shortcut: ${error instanceof Error ? error.message : error}`)
  }
}

type Entry = Shortcut[number]

export function shortcutOf(record: ContainerRecord, ctx: Context): Shortcut {
  const { id, bootId, pid, startTime } = record
  const entries: Entry[] = [
    ['id', id],
    ['boot', bootId],
    ['pid', String(pid)],
    ['born', startTime],
    ...freezerEntries(record.cgroup),
    ...(hasPrivatePids(record) ? [['private', ''] as const] : []),
    ...stateEntries(record, ctx),
    ...startEntries(record),
    ...deleteEntries(record),
  ]
  // It ends a value in the file, and nothing that we wrote into a record has one.
  return entries.some(([, value]) => value.includes('\0')) ? [] : entries
}

function freezerEntries(cgroup: CgroupRecord): Entry[] {
  const path = freezerPath(cgroup)
  return path === undefined ? [] : [[homeOfController(cgroup, 'freezer')?.version === 1 ? 'freezer' : 'freeze', path]]
}

/** The text of `state` in three pieces; between them come pid and status, and the name of the owner. */
function stateEntries(record: ContainerRecord, ctx: Context): Entry[] {
  // Whether the watchdog still watches is to be looked up.
  if (record.standIn) return []
  const { id, bundle, rootfs, created, spec } = record
  const { ociVersion, annotations } = spec
  const open = { pid: 0, status: 'stopped', owner: '' } as const
  const text = stateText({
    ...{ ociVersion, id, bundle, rootfs, created, ...open },
    ...(annotations && { annotations }),
    limits: limitsOf(record, ctx),
  })
  // Inside of a string no line ends, so both are found where they are keys.
  const [head = '', rest = ''] = divide(text, '\n  "pid": 0,\n  "status": "stopped"')
  const [middle = '', tail = ''] = divide(rest, '\n  "owner": ""')
  return [
    ['state-head', `${head}\n  "pid": `],
    ['state-middle', `${middle}\n  "owner": "`],
    ['state-tail', `"${tail}`],
  ]
}

function divide(text: string, at: string): string[] {
  const place = text.indexOf(at)
  return [text.slice(0, place), text.slice(place + at.length)]
}

/** Without those for which something else than the gate is to be done. */
function startEntries(record: ContainerRecord): Entry[] {
  const { process, hooks } = record.spec
  if (record.notify !== undefined || hooks?.poststart?.length || !process?.args.length) return []
  return [['go', stateFor(record, 'startContainer')]]
}

/** Where files of cgroupfs and of the state directory are all that is left. */
function deleteEntries({ cgroup, rdt, spec }: ContainerRecord): Entry[] {
  if (rdt || spec.hooks?.poststop?.length) return []
  if (cgroup.manager === 'none') return [['delete', '']]
  // Without a directory of our own somebody else's is to be left, which takes a look into it.
  if (cgroup.manager !== 'cgroupfs' || cgroup.homes.some(({ made, ino }) => made === 0 || ino === undefined)) return []
  return [['delete', ''], ...cgroup.homes.map(({ path, made, ino }): Entry => ['home', `${made} ${ino} ${path}`])]
}
