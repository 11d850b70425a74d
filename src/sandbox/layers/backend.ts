/** The ways to try something, best first, chosen by really trying. */
import { chmodSync, mkdirSync, statfsSync } from 'node:fs'
import { RuntimeError } from '../../base/errors.ts'
import { attempt } from '../../container/probe.ts'
import type { Host } from '../../host/facts.ts'
import { CLONE_NEWNS, MS_PRIVATE, MS_REC } from '../../kernel/constants.ts'
import type { Op } from '../../kernel/plan.ts'
import { removeXattr, writeXattr } from '../../kernel/trees.ts'
import type { Overlay } from '../layer-options.ts'
import { copyXattrs, giveOwner } from './copy-file.ts'
import { type Backend, copyOf, upperOf, workOf } from './record.ts'
import { Tree } from './tree.ts'

export const backendNames: readonly Backend[] = ['overlay', 'copy']

export interface Choice {
  readonly backend: Backend
  /** Why better ways do not do. */
  readonly because: readonly string[]
}

/** Makes the directories of the folders. @throws RuntimeError `layer-backend` when the only way that was asked for does not do */
export function chooseBackend(
  directory: string,
  folders: readonly string[],
  { wanted, host }: { wanted: Backend | undefined; host: Host },
): Choice {
  for (const [index, folder] of folders.entries()) makeDirectories(directory, index, folder)
  if (wanted === 'copy') return { backend: 'copy', because: [] }
  const failure = whyNoXattrs(directory) ?? attempt(trial(directory, folders, host), host)
  if (failure === undefined) return { backend: 'overlay', because: [] }
  // Only what the machine refuses is a reason for another way: a broken build is not.
  if (wanted !== undefined || failure.code !== 'layer-backend') throw failure
  return { backend: 'copy', because: [`no overlay: ${failure.what}${failure.why ? `, ${failure.why}` : ''}`] }
}

/** The top of an overlay is its upper directory, so that looks like the folder. */
function makeDirectories(directory: string, index: number, folder: string): void {
  mkdirSync(`${directory}/${index}`, { mode: 0o700 })
  for (const path of [upperOf(directory, index), workOf(directory, index), copyOf(directory, index)])
    mkdirSync(path, { mode: 0o700 })
  dressTop(folder, upperOf(directory, index))
}

export function dressTop(folder: string, upper: string): void {
  const [host, made] = [new Tree(folder), new Tree(upper)]
  try {
    const facts = host.facts('')
    if (facts === undefined) return
    giveOwner(made.at(''), facts, true)
    copyXattrs(host, '', made.at(''))
    chmodSync(upper, facts.mode)
  } finally {
    host[Symbol.dispose]()
    made[Symbol.dispose]()
  }
}

/** The kernel mounts such an overlay, and fails later, when a directory is to be marked. */
function whyNoXattrs(directory: string): RuntimeError | undefined {
  try {
    const upper = Buffer.from(upperOf(directory, 0))
    writeXattr(upper, 'user.usnea', Buffer.from('1'))
    removeXattr(upper, 'user.usnea')
    return undefined
  } catch (error) {
    return new RuntimeError('layer-backend', {
      what: `the file system of ${directory} has no user attributes`,
      fix: 'set XDG_STATE_HOME to a directory on ext4, xfs, btrfs or tmpfs (Linux 6.6)',
      cause: error,
    })
  }
}

export function overlayOp(directory: string, index: number, folder: string): Overlay {
  const [upper, work] = [upperOf(directory, index), workOf(directory, index)]
  return { op: 'holdOverlay', lower: folder, upper, work, origin: `dir ${folder}` }
}

function trial(directory: string, folders: readonly string[], host: Host): Op[] {
  const origin = 'layer'
  const ids = { innerUid: host.uid, outerUid: host.uid, innerGid: host.gid, outerGid: host.gid }
  return [
    { op: 'unshareUser', origin },
    { op: 'mapSelf', ...ids, origin },
    { op: 'born', flags: CLONE_NEWNS, origin },
    { op: 'propagate', flags: MS_PRIVATE | MS_REC, origin },
    ...folders.map((folder, slot): Op => ({ ...overlayOp(directory, slot, folder), slot })),
    { op: 'finish', status: 0, origin },
  ]
}

/** ext, xfs, btrfs, tmpfs, f2fs, overlay, zfs, bcachefs: their times come from our own clock. */
const ourClock = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0xf2f52010, 0x794c7630, 0x2fc12fc1, 0xca451a4e])

export const hasOurClock = (folder: string): boolean => ourClock.has(statfsSync(folder).type >>> 0)
