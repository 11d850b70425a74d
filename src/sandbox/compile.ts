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
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
} from '../kernel/constants.ts'
import type { Op, Plan } from '../kernel/plan.ts'
import { BIND_HELD, BIND_NO_CREATE } from '../linux/mounts/bind-flags.ts'
import { sandboxEnvironment } from './environment.ts'
import { isWithin, type Mirror, type Policy } from './policy.ts'

export interface CommandOptions {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Bits that are off in the mode of new files. */
  readonly umask: number
  /** A session of its own: no controlling terminal that could be written to. */
  readonly newSession: boolean
}

const deviceNames = ['null', 'zero', 'full', 'random', 'urandom', 'tty']
const quiet = MS_NOSUID | MS_NODEV
/** What the host's own mounts become: nothing can be changed, and no device node on them be opened. */
const CLOSED = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV

/** Counts the mounts that are kept from before they are covered. */
class Slots {
  readonly ops: Op[] = []
  hold(path: string, origin: string): number {
    this.ops.push({ op: 'hold', path, slot: this.ops.length, origin })
    return this.ops.length - 1
  }
}

export function compileSandbox(policy: Policy, command: CommandOptions): Plan {
  return {
    ops: [...compileView(policy, command.newSession), ...compileCommand(policy, command)],
    degradations: policy.degradations,
  }
}

/** The part that is the same for every command of one sandbox. */
export function compileView(policy: Policy, newSession: boolean): Op[] {
  const slots = new Slots()
  const body = view(policy, slots)
  return [...outer(policy), ...inner(policy, newSession), ...rootOps(policy, slots), ...body]
}

function outer({ host, options }: Policy): Op[] {
  const ids = { innerUid: host.uid, outerUid: host.uid, innerGid: host.gid, outerGid: host.gid }
  const net = options.net === 'none' ? CLONE_NEWNET : 0
  const flags =
    CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | net | (host.hasCgroupNamespaces ? CLONE_NEWCGROUP : 0)
  return [
    { op: 'unshareUser', origin: 'sandbox' },
    { op: 'mapSelf', ...ids, origin: 'sandbox' },
    { op: 'born', flags: flags >>> 0, origin: 'sandbox' },
  ]
}

function inner({ options }: Policy, newSession: boolean): Op[] {
  return [
    ...(newSession ? [{ op: 'session', origin: 'sandbox' } as const] : []),
    { op: 'keyring', origin: 'sandbox' },
    // private: what the host mounts later would appear here writable
    { op: 'propagate', flags: MS_PRIVATE | MS_REC, origin: 'sandbox' },
    ...(options.net === 'none' ? [{ op: 'loopback', origin: 'net' } as const] : []),
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

/**
 * No user namespaces inside: in one of its own a command could mount the cgroup file system and write to the caller's
 * groups. The limit is the new namespace's own, user_namespaces(7).
 */
function nesting({ options, freshProc }: Policy): Op[] {
  if (options.nested || !freshProc) return []
  return [{ op: 'sysctl', key: 'user/max_user_namespaces', value: '0', origin: 'nested' }]
}

const rebuildsRoot = ({ mirrors }: Policy): boolean => mirrors[0]?.path === '/'

function rootOps(policy: Policy, slots: Slots): Op[] {
  if (rebuildsRoot(policy)) return [...slots.ops, { op: 'rootScratch', path: scratchPlace(policy), origin: 'sandbox' }]
  return [
    ...slots.ops,
    { op: 'rootHere', origin: 'sandbox' },
    ...nesting(policy),
    // From here on nothing can be created on the host any more, whatever a later step tries.
    {
      op: 'attr',
      target: '/',
      set: CLOSED,
      clear: 0,
      recursive: 1,
      lenient: 0,
      origin: 'sandbox',
    },
  ]
}

function view(policy: Policy, slots: Slots): Op[] {
  const devices = deviceNames.map((name) => ({ name, slot: slots.hold(`/dev/${name}`, 'sandbox') }))
  const exposed = policy.exposures.map((exposure) => ({
    ...exposure,
    slot: slots.hold(exposure.source, exposure.origin),
  }))
  const mirrors = policy.mirrors.flatMap((mirror) => mirrorOps(mirror, slots))
  return [
    ...mirrors,
    ...policy.privates.map(({ path, mode }) => tmpfs(path, `mode=${mode}`, 'sandbox')),
    ...deviceOps(devices),
    ...procOps(policy),
    ...exposed.flatMap(({ dest, source, slot, writable, origin }) => [
      bindHeld({ target: dest, slot, origin }, mayCreate(dest, policy)),
      writable ? writableTree(dest, source, origin) : readonlyTree(dest, origin),
    ]),
    ...policy.hide.map((path): Op => ({ op: 'mask', path, required: 1, origin: `hide ${path}` })),
    ...(rebuildsRoot(policy)
      ? [
          { op: 'pivot', way: 0, origin: 'sandbox' } as const,
          { op: 'rootAttr', set: MOUNT_ATTR_RDONLY, propagation: 0, origin: 'sandbox' } as const,
        ]
      : []),
  ]
}

/** Only on a tmpfs of ours, and not where a writable path of the host has come on top of it. */
function mayCreate(dest: string, { privates, mirrors, exposures }: Policy): boolean {
  const ours = [...privates, ...mirrors].some(({ path }) => isWithin(dest, path))
  return ours && !exposures.some((other) => other.writable && other.dest !== dest && isWithin(dest, other.dest))
}

function tmpfs(target: string, data: string, origin: string): Op {
  return { op: 'mount', fstype: 'tmpfs', source: 'usnea', target, flags: quiet, data, nofollow: 0, origin }
}

function readonlyTree(target: string, origin: string): Op {
  return { op: 'attr', target, set: CLOSED, clear: 0, recursive: 1, lenient: 0, origin }
}

/** Device nodes work only on a path that was named under /dev. */
function writableTree(target: string, source: string, origin: string): Op {
  const set = MOUNT_ATTR_NOSUID | (isWithin(source, '/dev') ? 0 : MOUNT_ATTR_NODEV)
  return { op: 'attr', target, set, clear: 0, recursive: 1, lenient: 0, origin }
}

function bindHeld({ target, slot, origin }: { target: string; slot: number; origin: string }, create: boolean): Op {
  return { op: 'bind', source: '', target, flags: BIND_HELD | (create ? 0 : BIND_NO_CREATE), slot, origin }
}

function mirrorOps({ path, entries }: Mirror, slots: Slots): Op[] {
  const origin = 'sandbox'
  const own = new Set(['proc', 'dev'])
  const kept = path === '/' ? entries.filter(({ name }) => !own.has(name)) : entries
  const root = path === '/'
  return [
    ...(root ? [] : [tmpfs(path, 'mode=0755', origin)]),
    ...kept.flatMap(({ name, link }): Op[] => {
      const target = join(path, name)
      if (link !== undefined) return [{ op: 'symlink', text: link, path: target, origin }]
      return [bindHeld({ target, slot: slots.hold(target, origin), origin }, true), readonlyTree(target, origin)]
    }),
  ]
}

function deviceOps(devices: readonly { name: string; slot: number }[]): Op[] {
  const origin = 'sandbox'
  const links = {
    fd: '/proc/self/fd',
    stdin: '/proc/self/fd/0',
    stdout: '/proc/self/fd/1',
    stderr: '/proc/self/fd/2',
    ptmx: 'pts/ptmx',
  }
  return [
    {
      op: 'mount',
      fstype: 'tmpfs',
      source: 'usnea',
      target: '/dev',
      flags: MS_NOSUID,
      data: 'mode=0755',
      nofollow: 0,
      origin,
    },
    ...devices.map(({ name, slot }) => bindHeld({ target: `/dev/${name}`, slot, origin }, true)),
    {
      op: 'mount',
      fstype: 'devpts',
      source: 'devpts',
      target: '/dev/pts',
      flags: MS_NOSUID | MS_NOEXEC,
      data: 'newinstance,ptmxmode=0666,mode=0620',
      nofollow: 0,
      origin,
    },
    tmpfs('/dev/shm', 'mode=1777', origin),
    ...Object.entries(links).map(([name, text]): Op => ({ op: 'symlink', text, path: `/dev/${name}`, origin })),
  ]
}

/** What of proc tells or does too much to the real root's id, which needs no capability for it. As runtimes mask it. */
const rootOnly = [
  'kcore',
  'keys',
  'vmallocinfo',
  'slabinfo',
  'pagetypeinfo',
  'timer_list',
  'sched_debug',
  'latency_stats',
  'acpi',
  'scsi',
]

/** Written to by the real root's id too; one read-only /proc covers them, but there no user namespace could be set up. */
const rootWritable = ['sys', 'sysrq-trigger', 'irq', 'bus', 'fs', 'mtrr', 'pressure']

function procOps({ freshProc, host, options: { nested } }: Policy): Op[] {
  if (!freshProc) return []
  const isRoot = host.uid === 0
  const origin = 'sandbox'
  const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | (isRoot && !nested ? MS_RDONLY : 0)
  const path = (name: string) => `/proc/${name}`
  return [
    { op: 'mount', fstype: 'proc', source: 'proc', target: '/proc', flags, data: '', nofollow: 1, origin },
    ...(isRoot && nested ? rootWritable : []).map((name): Op => ({ op: 'readonly', path: path(name), origin })),
    ...(isRoot ? rootOnly : []).map((name): Op => ({ op: 'mask', path: path(name), required: 0, origin })),
  ]
}

/** The part that belongs to one command. */
export function compileCommand(policy: Policy, { argv, env, cwd, umask }: CommandOptions): Op[] {
  const origin = 'sandbox'
  const environment = sandboxEnvironment(policy.host, { ...policy.options.env, ...env })
  return [
    { op: 'reap', origin },
    { op: 'umask', mask: umask, origin },
    { op: 'bounding', mask: 0, origin },
    { op: 'cwd', path: cwd, lenient: 0, origin: 'cwd' },
    { op: 'caps', effective: 0, permitted: 0, inheritable: 0, ambient: 0, origin },
    { op: 'noNewPrivs', origin },
    {
      op: 'exec',
      file: argv[0] ?? '',
      search: environment.search,
      argv,
      env: environment.env,
      keepFds: 0,
      origin: 'command',
    },
  ]
}
