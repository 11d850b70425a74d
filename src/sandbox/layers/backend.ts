/** The ways to try something, best first, chosen by really trying. */
import { chmodSync, mkdirSync, statfsSync } from 'node:fs'
import { isRuntimeError, RuntimeError } from '../../base/errors.ts'
import { attempt } from '../../container/probe.ts'
import type { Host } from '../../host/facts.ts'
import { CLONE_NEWNS, MS_PRIVATE, MS_REC } from '../../kernel/constants.ts'
import type { Op } from '../../kernel/plan.ts'
import { removeXattr, writeXattr } from '../../kernel/trees.ts'
import { type Backend, backendNames } from '../backends.ts'
import type { Overlay } from '../layer-options.ts'
import { isWithin, type Policy } from '../policy.ts'
import { copyXattrs, giveOwner } from './copy-file.ts'
import { copyOf, servedOf, upperOf, workOf } from './record.ts'
import { Servers } from './servers.ts'
import { Tree } from './tree.ts'

export interface Choice {
  readonly backend: Backend
  /** Why better ways do not do. */
  readonly because: readonly string[]
}

export interface Wanted {
  /** The only way that will do; undefined for the best that works. */
  readonly wanted: Backend | undefined
  /** What the command may see. */
  readonly policy: Policy
}

/** Makes the directories of the folders. @throws RuntimeError `layer-backend` when the only way that was asked for does not do */
export function chooseBackend(directory: string, folders: readonly string[], { wanted, policy }: Wanted): Choice {
  for (const [index, folder] of folders.entries()) makeDirectories(directory, index, folder)
  const because: string[] = []
  for (const backend of wanted === undefined ? backendNames : [wanted]) {
    const failure = whyNot[backend](directory, folders, policy)
    if (failure === undefined) return { backend, because }
    // Only what the machine refuses is a reason for another way: a broken build is not.
    if (wanted !== undefined || failure.code !== 'layer-backend') throw failure
    because.push(`no ${backend}: ${failure.what}${failure.why ? `, ${failure.why}` : ''}`)
  }
  throw new RuntimeError('layer-backend')
}

type WhyNot = (directory: string, folders: readonly string[], policy: Policy) => RuntimeError | undefined

const whyNot: Readonly<Record<Backend, WhyNot>> = {
  overlay: (directory, folders, { host }) =>
    whyNoXattrs(directory) ??
    attempt(
      trial(
        host,
        folders.map((folder, index) => overlayOp(directory, index, folder)),
      ),
      host,
    ),
  'fuse-overlayfs': whyNotServed,
  copy: () => undefined,
}

/** Really serves all folders for a moment. */
function whyNotServed(directory: string, folders: readonly string[], policy: Policy): RuntimeError | undefined {
  const { host } = policy
  try {
    assertWhole(folders, host)
    const servers = new Servers(directory, folders, policy)
    const failure = attempt(
      trial(
        host,
        folders.map((folder, index) => servedOp(folder, FIRST_CHANNEL + index)),
      ),
      host,
      servers.channels,
    )
    const words = servers.end()
    return failure === undefined || words.length === 0 ? failure : failure.withDetails(words)
  } catch (error) {
    if (isRuntimeError(error)) return error
    throw error
  }
}

/** What is mounted in a folder would be served, and could never be applied. @throws RuntimeError `layer-backend` */
export function assertWhole(folders: readonly string[], { mounts }: Host): void {
  const below = mounts.find(({ target }) => folders.some((folder) => target !== folder && isWithin(target, folder)))
  if (below === undefined) return
  throw new RuntimeError('layer-backend', {
    what: 'fuse-overlayfs cannot serve a folder in which something is mounted',
    why: `${below.target} is a mount`,
    fix: 'umount it, or choose another way for a new layer: --backend copy',
  })
}

/** The top of an overlay is its upper directory, so that looks like the folder. */
function makeDirectories(directory: string, index: number, folder: string): void {
  mkdirSync(`${directory}/${index}`, { mode: 0o700 })
  mkdirSync(servedOf(directory, index), { mode: 0o700 })
  for (const backend of ['overlay', 'fuse-overlayfs'] as const) {
    for (const path of [upperOf(directory, index, backend), workOf(directory, index, backend)])
      mkdirSync(path, { mode: 0o700 })
    dressTop(folder, upperOf(directory, index, backend))
  }
  mkdirSync(copyOf(directory, index), { mode: 0o700 })
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
  if (hasUserXattrs(upperOf(directory, 0))) return undefined
  return new RuntimeError('layer-backend', {
    what: `the file system of ${directory} has no user attributes`,
    fix: 'set XDG_STATE_HOME to a directory on ext4, xfs, btrfs or tmpfs (Linux 6.6)',
  })
}

/** Tried on a directory of ours. */
export function hasUserXattrs(directory: string): boolean {
  try {
    const path = Buffer.from(directory)
    writeXattr(path, 'user.usnea', Buffer.from('1'))
    removeXattr(path, 'user.usnea')
    return true
  } catch {
    return false
  }
}

export function overlayOp(directory: string, index: number, folder: string): Overlay {
  const [upper, work] = [upperOf(directory, index), workOf(directory, index)]
  return { op: 'holdOverlay', lower: folder, upper, work, origin: `dir ${folder}` }
}

/** Behind the standard descriptors of a sandbox without anything else. */
const FIRST_CHANNEL = 3

const servedOp = (folder: string, channel: number): Op => ({
  op: 'holdServed',
  channel,
  slot: channel - FIRST_CHANNEL,
  origin: `dir ${folder}`,
})

function trial(host: Host, mounts: readonly (Overlay | Op)[]): Op[] {
  const origin = 'layer'
  const ids = { innerUid: host.uid, outerUid: host.uid, innerGid: host.gid, outerGid: host.gid }
  return [
    { op: 'unshareUser', origin },
    { op: 'mapSelf', ...ids, origin },
    { op: 'born', flags: CLONE_NEWNS, origin },
    { op: 'propagate', flags: MS_PRIVATE | MS_REC, origin },
    ...mounts.map((mount, slot) => ({ ...mount, slot }) as Op),
    { op: 'finish', status: 0, origin },
  ]
}

/** ext, xfs, btrfs, tmpfs, f2fs, overlay, zfs, bcachefs: their times come from our own clock. */
const ourClock = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0xf2f52010, 0x794c7630, 0x2fc12fc1, 0xca451a4e])

export const hasOurClock = (folder: string): boolean => ourClock.has(statfsSync(folder).type >>> 0)
