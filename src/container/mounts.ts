/** `mounts add` and `mounts remove`: mounts of a container that is there already, as crun has them. */

import { lstatSync } from 'node:fs'
import { Dispose } from '../base/dispose.ts'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import { findForeignByte, readLimited } from '../base/files.ts'
import { readUserNamespace } from '../host/userns.ts'
import { waitNow } from '../kernel/children.ts'
import { FD_NULL } from '../kernel/functions.ts'
import { compileChange } from '../launch/change-mounts.ts'
import { launch } from '../launch/launch.ts'
import { rootOf } from '../linux/idmap/ranges.ts'
import {
  checkAdded,
  checkRemoved,
  type LivePlan,
  type LiveScene,
  planAdded,
  planRemoved,
} from '../linux/mounts/live.ts'
import { checkIdMappedMounts } from '../linux/mounts/sources.ts'
import type { Entrance } from '../linux/namespaces/open.ts'
import { withOptionMappings } from '../spec/idmap-option.ts'
import type { NamespaceType } from '../spec/names.ts'
import { parseMounts } from '../spec/parse.ts'
import { unsupported } from '../spec/support.ts'
import type { Mount, Spec } from '../spec/types.ts'
import { validate } from '../spec/validate.ts'
import { loadRecord } from '../state/read-record.ts'
import type { ContainerRecord } from '../state/record.ts'
import { LONGEST_CONFIG, refuse } from './bundle.ts'
import type { Context } from './context.ts'
import { assertOwnRoot, entrancesOf, unlessStopped } from './entrances.ts'
import { parseId } from './id.ts'
import { statusOf } from './oci-state.ts'

export interface MountsOptions {
  readonly action: 'add' | 'remove'
  /** A JSON list in the form of `mounts` of config.json; to remove, only the destinations count. */
  readonly file: string
}

/**
 * All of them or none. The record of the container does not change: the configuration is what it was made from.
 * @throws RuntimeError `container-not-running`, `config-*`, or of an op
 */
export async function changeMounts(ctx: Context, id: string, { action, file }: MountsOptions): Promise<void> {
  const record = loadRecord(ctx.root, parseId(id))
  const status = statusOf(record, ctx.host, ctx.root)
  if (status === 'stopped' || status === 'creating') throw new RuntimeError('container-not-running')
  assertOwnRoot(record, 'mounts')
  const mounts = readMounts(file)
  // Anybody else may have no power over our own mount namespace, though they have it inside.
  const isPrivileged = ctx.host.realRoot
  const plan = action === 'add' ? planOfAdded(ctx, record, { mounts, isPrivileged }) : planOfRemoved(record, mounts)
  await using descriptors = new Dispose()
  const entrances = entrancesOf(record, ctx, { verb: 'mounts', descriptors })
  await unlessStopped(record, ctx.host, change(ctx, record, { plan, entrances, isPrivileged }))
  for (const { pointer, message, loud } of plan.degradations) ctx.warn(`${message} (${pointer})`, loud)
}

function readMounts(file: string): readonly Mount[] {
  const parsed = parseMounts(readText(file))
  if ('issue' in parsed) throw new RuntimeError('config-not-json', { what: file, details: [parsed.issue.message] })
  refuse(parsed.spelling ?? [], 'error', 'config-invalid')
  return parsed.mounts
}

function readText(file: string): string {
  try {
    const bytes = readLimited(file, LONGEST_CONFIG)
    if (findForeignByte(bytes) === undefined) return bytes.toString()
  } catch (cause) {
    const errno = errnoOf(cause)
    throw new RuntimeError('config-missing', { what: `${file} cannot be read`, ...(errno ? { errno } : {}), cause })
  }
  throw new RuntimeError('config-not-json', { details: [`${file} is not UTF-8`] })
}

interface Asked {
  readonly mounts: readonly Mount[]
  readonly isPrivileged: boolean
}

function planOfAdded(ctx: Context, record: ContainerRecord, { mounts, isPrivileged }: Asked): LivePlan {
  const { host, mayMiss } = ctx
  const asked: Spec = { ...record.spec, mounts: [...mounts] }
  refuse(validate(asked), 'error', 'config-invalid')
  refuse(unsupported(asked), 'unsupported', 'not-supported-yet')
  const spec = withOptionMappings(asked)
  const place = { bundle: record.bundle, rootfs: record.rootfs }
  refuse([...checkAdded(spec, host), ...checkIdMappedMounts(spec, host, place)], 'error', 'config-invalid')
  const { dev, ino } = lstatSync(record.rootfs, { bigint: true })
  const scene: LiveScene = {
    host,
    mayMiss,
    isPrivileged,
    bundle: record.bundle,
    rootfs: { path: record.rootfs, dev, ino },
    maps: record.maps && { ...record.maps, method: 'direct' },
    deviceNodes: new Map(),
    cgroup: record.cgroup.manager === 'none' ? undefined : { places: [], guardsDevices: record.cgroup.guardsDevices },
    noPivot: false,
    noNewKeyring: false,
  }
  return planAdded(spec, scene)
}

function planOfRemoved(record: ContainerRecord, mounts: readonly Mount[]): LivePlan {
  refuse(
    validate({ ...record.spec, mounts: mounts.map(({ destination }) => ({ destination })) }),
    'error',
    'config-invalid',
  )
  refuse(checkRemoved(mounts, record.spec), 'error', 'config-invalid')
  return { before: [], after: planRemoved(mounts), namespaces: [], degradations: [] }
}

interface Change {
  readonly plan: LivePlan
  readonly entrances: readonly Entrance[]
  readonly isPrivileged: boolean
}

async function change(ctx: Context, record: ContainerRecord, { plan, entrances, isPrivileged }: Change): Promise<void> {
  const users = readUserNamespace('/proc', record.pid)
  const doors = doorsOf(entrances, plan.namespaces, isPrivileged)
  const child = await launch(
    compileChange({
      joins: doors.map(({ types }, i) => ({ types, fd: 3 + i })),
      root: { uid: rootOf(users.uidMap), gid: rootOf(users.gidMap) },
      isPrivileged,
      before: plan.before,
      after: plan.after,
    }),
    { host: ctx.host, fds: [FD_NULL, FD_NULL, FD_NULL, ...doors.map(({ fd }) => fd)] },
  )
  for (const { message, pointer, loud } of child.weaker) ctx.warn(`${message} (${pointer})`, loud)
  child.conversation.close()
  waitNow(child.pid)
}

/** Only what the mounts belong to; without privileges the user namespace is entered on its own, before anything else. */
function doorsOf(entrances: readonly Entrance[], more: readonly NamespaceType[], isPrivileged: boolean): Entrance[] {
  const wanted = new Set<NamespaceType>(['user', 'mount', ...more])
  const split = (types: readonly NamespaceType[]) =>
    isPrivileged ? [types] : [types.filter((type) => type === 'user'), types.filter((type) => type !== 'user')]
  return entrances.flatMap(({ types, fd }) =>
    split(types.filter((type) => wanted.has(type)))
      .filter((part) => part.length > 0)
      .map((part) => ({ types: part, fd })),
  )
}
