/** Namespaces as ops: what the outer process makes or joins, and what the first process does in them. */

import type { Host } from '../../host/facts.ts'
import {
  CLONE_NEWCGROUP,
  CLONE_NEWTIME,
  cloneFlags,
  MS_PRIVATE,
  MS_REC,
  MS_SLAVE,
  MS_UNBINDABLE,
} from '../../kernel/constants.ts'
import type { Op } from '../../kernel/plan.ts'
import { messages } from '../../kernel/plan-def.ts'
import type { NamespaceType } from '../../spec/names.ts'
import { sysctlOwner } from '../../spec/rules/sysctl.ts'
import { sysctlPath } from '../../spec/sysctl.ts'
import type { Namespace, Spec } from '../../spec/types.ts'
import { rootOf } from '../idmap/ranges.ts'
import { keepsGroups } from '../process/kept-groups.ts'
import { isJoined, isNew, isPrivate, type Part, type Scene, type SceneMaps } from '../scene.ts'
import { joinOrder } from './order.ts'

/** A namespace to join: the parent opens `path` and hands it over as descriptor `fd` of init. */
export interface Join {
  readonly type: NamespaceType
  readonly path: string
  readonly fd: number
  readonly origin: string
  /** Kernel parameters of it are set: then it must not be ours. */
  readonly isTuned: boolean
}

/** How many namespaces have a path. */
export const countJoins = (spec: Spec): number => pathsOf(spec).length

/** The namespaces with a path, in the order in which they must be joined. */
export function joinsOf(spec: Spec, host: Host, firstFd: number): Join[] {
  const order = joinOrder(host)
  return pathsOf(spec)
    .sort((a, b) => order.indexOf(a.namespace.type) - order.indexOf(b.namespace.type))
    .map(({ namespace, i }, n) => ({
      type: namespace.type,
      path: pathOf(namespace),
      fd: firstFd + n,
      origin: `/linux/namespaces/${i}/path`,
      isTuned: isTuned(spec, namespace.type),
    }))
}

const isTuned = (spec: Spec, type: NamespaceType): boolean =>
  Object.keys(spec.linux?.sysctl ?? {}).some((key) => sysctlOwner(sysctlPath(key) ?? key) === type)

const pathsOf = (spec: Spec) =>
  (spec.linux?.namespaces ?? [])
    .map((namespace, i) => ({ namespace, i }))
    .filter(({ namespace }) => namespace.path !== undefined && namespace.path !== '')

const pathOf = (namespace: Namespace): string => namespace.path ?? ''

export function joinOps(joins: readonly Join[]): Op[] {
  return joins.map(({ type, path, fd, origin }) => ({
    op: 'join',
    fd,
    type: cloneFlags[type],
    name: `${type} namespace ${path}`,
    origin,
  }))
}

/** The outer process: user namespace and its maps first, so that everything after belongs to it. */
export function planOuter(spec: Spec, scene: Scene, joins: readonly Join[]): Op[] {
  const time = isNew(spec, 'time') ? timeNamespace(spec) : []
  return [
    ...joinOps(joins),
    ...(scene.maps ? userNamespace(scene.maps) : []),
    // Before we become root: that makes us undumpable, and our own timens_offsets a file of the real root.
    ...time,
    ...becomeRoot(spec, scene.maps),
    { op: 'born', flags: birthFlags(spec), origin: '/linux/namespaces' },
  ]
}

function userNamespace(maps: SceneMaps): Op[] {
  const origin = '/linux/uidMappings'
  const made = { op: 'unshareUser', origin: '/linux/namespaces' } as const
  const [uid, gid] = [maps.uid[0], maps.gid[0]]
  if (maps.method !== 'self' || !uid || !gid)
    return [
      made,
      { op: 'say', message: messages.usernsMade, origin },
      { op: 'wait', message: messages.mapsWritten, origin },
    ]
  const ids = { innerUid: uid.inner, outerUid: uid.outer, innerGid: gid.inner, outerGid: gid.outer }
  return [made, { op: 'mapSelf', ...ids, origin }]
}

function becomeRoot(spec: Spec, maps: SceneMaps | undefined): Op[] {
  const origin = '/linux/namespaces'
  if (maps) {
    const root = { uid: rootOf(maps.uid), gid: rootOf(maps.gid) }
    return [
      {
        op: 'become',
        ...root,
        clearGroups: maps.denySetgroups || keepsGroups(spec) ? 0 : 1,
        origin: '/linux/uidMappings',
      },
    ]
  }
  return isJoined(spec, 'user') ? [{ op: 'become', uid: 0, gid: 0, clearGroups: 0, origin }] : []
}

/** The offsets must be written before the first process enters: time_namespaces(7). */
function timeNamespace(spec: Spec): Op[] {
  const origin = '/linux/timeOffsets'
  const { monotonic, boottime } = spec.linux?.timeOffsets ?? {}
  const lines = Object.entries({ monotonic, boottime }).flatMap(([clock, offset]) =>
    offset ? [`${clock} ${offset.secs ?? 0} ${offset.nanosecs ?? 0}\n`] : [],
  )
  const ops: Op[] = [{ op: 'unshare', flags: CLONE_NEWTIME, origin: '/linux/namespaces' }]
  if (lines.length > 0) ops.push({ op: 'timeOffset', text: lines.join(''), origin })
  return ops
}

/** user and time were made before; cgroup comes after the process is in its own cgroup, so that this is its root. */
function birthFlags(spec: Spec): number {
  const types: NamespaceType[] = ['mount', 'pid', 'ipc', 'uts', 'network']
  return types.reduce((flags, type) => (isNew(spec, type) ? flags | cloneFlags[type] : flags), 0) >>> 0
}

/** The first process, before it builds its root. */
export function planInner(spec: Spec, { newKeyring, keyLabel }: { newKeyring: boolean; keyLabel: string }): Part {
  const ops: Op[] = [{ op: 'session', origin: '/process' }]
  if (newKeyring) ops.push({ op: 'keyring', label: keyLabel, origin: '/process' })
  if (isNew(spec, 'cgroup')) ops.push({ op: 'unshare', flags: CLONE_NEWCGROUP, origin: '/linux/namespaces' })
  if (isNew(spec, 'mount')) ops.push({ op: 'propagate', ...startPropagation(spec) })
  if (isNew(spec, 'network')) ops.push({ op: 'loopback', origin: '/linux/namespaces' })
  if (spec.hostname && isPrivate(spec, 'uts')) ops.push({ op: 'hostname', name: spec.hostname, origin: '/hostname' })
  if (spec.domainname && isPrivate(spec, 'uts'))
    ops.push({ op: 'domainname', name: spec.domainname, origin: '/domainname' })
  return { ops }
}

/**
 * The copy of the caller's mounts never sends anything back. `shared` is given to the new root later: pivot_root(2)
 * refuses a shared parent.
 */
function startPropagation(spec: Spec): { flags: number; origin: string } {
  const asked = spec.linux?.rootfsPropagation ?? ''
  const origin = asked === '' ? '/linux/namespaces' : '/linux/rootfsPropagation'
  const flags = /^r?private$/.test(asked) ? MS_PRIVATE : /^r?unbindable$/.test(asked) ? MS_UNBINDABLE : MS_SLAVE
  return { flags: (flags === MS_UNBINDABLE ? MS_PRIVATE : flags) | MS_REC, origin }
}
