/**
 * A policy into a launch plan. Pure. Without a missing destination there is no new root: the mount namespace is a copy
 * of the caller's already, locked against being taken apart, and turning it read-only in one call costs less than
 * building another.
 */
import { join } from 'node:path'
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUTS,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  MS_REC,
} from '../kernel/constants.ts'
import type { IdMaps, Op, Plan } from '../kernel/plan.ts'
import { messages } from '../kernel/plan-def.ts'
import { channelsOf } from './channels.ts'
import type { CommandOptions } from './command-options.ts'
import { compileCommand } from './compile-command.ts'
import { deviceOps, holdDevices, procOps } from './dev-and-proc.ts'
import { planEgress, planHelped, planResolver } from './egress/plan.ts'
import type { Exposure } from './exposure.ts'
import { planGroups } from './groups.ts'
import { labelOf } from './label.ts'
import { compileLandlocked, compileWalls } from './landlocked.ts'
import { sizeOf } from './limits.ts'
import {
  bindHeld,
  CLOSED,
  privateFiles,
  privateFolders,
  readonlyTree,
  Slots,
  tmpfs,
  writableTree,
} from './mount-ops.ts'
import { isWithin, type Mirror, type Policy } from './policy.ts'
import { protectOp } from './protect.ts'

export function compileSandbox(policy: Policy, command: CommandOptions): Plan {
  const parts = compilerFor(policy, command.newSession)
  const label = labelOf(policy)
  const { degradations, maps } = policy
  return { ops: [...parts.before, ...parts.command(command)], degradations, label, maps }
}

export interface Parts {
  /** What can be done before a command is known. */
  readonly before: readonly Op[]
  readonly maps: IdMaps | undefined
  readonly command: (command: CommandOptions) => Op[]
}

/** Does at once what is the same for every command of one sandbox. */
export function compilerFor(policy: Policy, newSession: boolean): Parts {
  if (policy.standing.level === 'L') {
    const walls = compileWalls(policy)
    return { before: walls.before, maps: undefined, command: (command) => compileLandlocked(policy, command, walls) }
  }
  const before = compileView(policy, newSession)
  return { before, maps: policy.maps, command: (command) => compileCommand(policy, command) }
}

function compileView(policy: Policy, newSession: boolean): Op[] {
  const slots = new Slots()
  const body = view(policy, slots)
  return [...outer(policy), ...inner(policy, newSession), ...rootOps(policy, slots), ...body]
}

function outer(policy: Policy): Op[] {
  const { host, options } = policy
  const net = options.net === 'host' ? 0 : CLONE_NEWNET
  const flags =
    CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | net | (host.hasCgroupNamespaces ? CLONE_NEWCGROUP : 0)
  return [...planUser(policy), { op: 'born', flags: flags >>> 0, origin: 'sandbox' }]
}

/**
 * The user namespace, and groups dropped on the side where setgroups(2) may be called: as root before it, because in there
 * one id is mapped and the call denied; else in it, where newgidmap has mapped more.
 */
function planUser({ host, groups, maps }: Policy): Op[] {
  const origin = 'sandbox'
  if (maps !== undefined)
    return [
      { op: 'unshareUser', origin },
      { op: 'say', message: messages.usernsMade, origin: 'groups' },
      { op: 'wait', message: messages.mapsWritten, origin: 'groups' },
      ...planGroups(groups),
    ]
  const ids = { innerUid: host.uid, outerUid: host.uid, innerGid: host.gid, outerGid: host.gid }
  return [...planGroups(groups), { op: 'unshareUser', origin }, { op: 'mapSelf', ...ids, origin }]
}

function inner({ options }: Policy, newSession: boolean): Op[] {
  return [
    ...(newSession ? [{ op: 'session', origin: 'sandbox' } as const] : []),
    { op: 'keyring', label: '', origin: 'sandbox' },
    // private: what the host mounts later would appear here writable
    { op: 'propagate', flags: MS_PRIVATE | MS_REC, origin: 'sandbox' },
    ...(options.net === 'host' ? [] : [{ op: 'loopback', origin: 'net' } as const]),
    ...planHelped(options.helper),
    ...planEgress(options.egress),
  ]
}

/** Where the root itself needs a new entry it is rebuilt on a tmpfs; that goes over a directory which no source lies in. */
const scratchPlaces = ['/mnt', '/media', '/srv', '/opt', '/home', '/var']

function scratchPlace({ exposures, mirrors }: Policy): string {
  const [root] = mirrors
  const names = new Set(root?.entries.map(({ name }) => `/${name}`))
  return (
    scratchPlaces.find((place) => names.has(place) && !exposures.some(({ source }) => isWithin(source, place))) ??
    '/mnt'
  )
}

const rebuildsRoot = ({ mirrors }: Policy): boolean => mirrors[0]?.path === '/'

function rootOps(policy: Policy, slots: Slots): Op[] {
  if (rebuildsRoot(policy)) return [...slots.ops, { op: 'rootScratch', path: scratchPlace(policy), origin: 'sandbox' }]
  return [
    ...slots.ops,
    { op: 'rootHere', origin: 'sandbox' },
    // From here on nothing can be created on the host any more, whatever a later step tries.
    {
      op: 'attr',
      target: '/',
      set: CLOSED,
      clear: 0,
      recursive: 1,
      spare: 0,
      locked: 0,
      origin: 'sandbox',
    },
  ]
}

function view(policy: Policy, slots: Slots): Op[] {
  const devices = holdDevices(slots)
  const exposed = policy.exposures.map((exposure) => ({
    ...exposure,
    slot: slotOf(exposure, policy, slots),
  }))
  const mirrors = policy.mirrors.flatMap((mirror) => mirrorOps(mirror, slots, sizeOf(policy.options.limits)))
  return [
    ...mirrors,
    ...privateFolders(policy, sizeOf(policy.options.limits)),
    ...deviceOps(devices, sizeOf(policy.options.limits)),
    ...procOps(policy),
    ...privateFiles(policy),
    ...byDepth([
      ...exposed.map(({ dest, source, slot, writable, origin }) => ({
        path: dest,
        ops: [
          bindHeld({ target: dest, slot, origin }, mayCreate(dest, policy)),
          writable ? writableTree(dest, source, origin) : readonlyTree(dest, origin),
        ],
      })),
      ...policy.protections.map((protection) => ({ path: protection.path, ops: [protectOp(protection)] })),
    ]),
    ...planResolver(policy.options, policy.privates[0]?.path ?? '/dev', policy.hasResolvConf),
    ...policy.hide.map((path): Op => ({ op: 'mask', path, required: 1, origin: `hide ${path}` })),
    ...policy.deny.map((path): Op => ({ op: 'deny', path, origin: `deny ${path}` })),
    ...(rebuildsRoot(policy)
      ? [
          { op: 'pivot', way: 0, hidden: ['/proc', '/sys'], origin: 'sandbox' } as const,
          { op: 'rootAttr', set: MOUNT_ATTR_RDONLY, propagation: 0, origin: 'sandbox' } as const,
        ]
      : []),
  ]
}

function slotOf({ source, overlay, served, origin }: Exposure, policy: Policy, slots: Slots): number {
  if (overlay !== undefined) return slots.holdOverlay(overlay)
  return served === undefined
    ? slots.hold(source, origin)
    : slots.holdServed(channelsOf(policy).served + served, origin)
}

/** What lies deeper comes later, or it would be covered. */
function byDepth(items: readonly { readonly path: string; readonly ops: readonly Op[] }[]): Op[] {
  const depth = (path: string) => path.split('/').length
  return items.toSorted((a, b) => depth(a.path) - depth(b.path)).flatMap(({ ops }) => ops)
}

/** Only on a tmpfs of ours, and not where a writable path of the host has come on top of it. */
function mayCreate(dest: string, { privates, mirrors, exposures }: Policy): boolean {
  const ours = [...privates, ...mirrors].some(({ path }) => isWithin(dest, path))
  return ours && !exposures.some((other) => other.writable && other.dest !== dest && isWithin(dest, other.dest))
}

function mirrorOps({ path, entries }: Mirror, slots: Slots, size: string): Op[] {
  const origin = 'sandbox'
  const own = new Set(['proc', 'dev'])
  const kept = path === '/' ? entries.filter(({ name }) => !own.has(name)) : entries
  const root = path === '/'
  return [
    ...(root ? [] : [tmpfs(path, `mode=0755${size}`, origin)]),
    ...kept.flatMap(({ name, link }): Op[] => {
      const target = join(path, name)
      if (link !== undefined) return [{ op: 'symlink', text: link, path: target, origin }]
      return [bindHeld({ target, slot: slots.hold(target, origin), origin }, true), readonlyTree(target, origin)]
    }),
  ]
}
