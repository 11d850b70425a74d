/**
 * Mounts for a container that runs. Pure. Sources are opened where we come from, everything else is made in the
 * namespaces of the container, and nothing is to be seen of a mount before it has its attributes.
 */
import { resolve } from 'node:path'
import { type Degradation, error, type Issue } from '../../base/issue.ts'
import type { Host } from '../../host/facts.ts'
import { MS_REC, MS_SLAVE } from '../../kernel/constants.ts'
import type { Op } from '../../kernel/plan.ts'
import type { NamespaceType } from '../../spec/names.ts'
import type { Mount, Spec } from '../../spec/types.ts'
import { isPrivate, type Scene } from '../scene.ts'
import { attributesOfBind, guarded, propagation, recursiveAttributes, settleBind } from './attributes.ts'
import { fitData } from './data.ts'
import type { Item } from './item.ts'
import { parseMountOptions } from './options.ts'
import { sourceOf } from './places.ts'
import { labelled } from './plan.ts'
import { hold, isIdMapped } from './sources.ts'

/** What an empty file system of this type belongs to, besides the user namespace. */
const types: Readonly<Record<string, readonly NamespaceType[]>> = { tmpfs: [], mqueue: ['ipc'] }

export interface LiveScene extends Scene {
  /** The sources are opened with the powers of the host, not with those of the container's user namespace. */
  readonly isPrivileged: boolean
}

export interface LivePlan {
  /** Before the mount namespace is entered. */
  readonly before: readonly Op[]
  readonly after: readonly Op[]
  /** Namespaces that have to be entered besides that of mounts and of users. */
  readonly namespaces: readonly NamespaceType[]
  readonly degradations: readonly Degradation[]
}

const isBind = ({ mount, options }: Item): boolean => options.bind || mount.type === 'bind'

/** The mounts of `spec` are those that are to be added. */
export function planAdded(spec: Spec, scene: LiveScene): LivePlan {
  const label = scene.host.lsm.selinux ? spec.linux?.mountLabel : undefined
  const items = (spec.mounts ?? []).map((mount, index): Item => {
    const options = labelled(parseMountOptions(mount.options ?? []), mount, label)
    return { mount, options, target: resolve('/', mount.destination), origin: `/mounts/${index}`, index }
  })
  const parts = items.map((item) => (isBind(item) ? addBind(item, spec, scene) : addFilesystem(item, scene)))
  const placed = items.map(({ target, index, origin }): Op => ({ op: 'place', target, slot: index, origin }))
  return {
    before: parts.flatMap(({ before }) => before),
    after: [...parts.flatMap(({ after }) => after), ...placed],
    namespaces: [...new Set(items.flatMap((item) => (isBind(item) ? [] : (types[item.mount.type ?? ''] ?? []))))],
    degradations: parts.flatMap(({ degradations }) => degradations),
  }
}

export function planRemoved(mounts: readonly Mount[]): Op[] {
  return mounts.map(
    ({ destination }, index): Op => ({
      op: 'removeMount',
      target: resolve('/', destination),
      origin: `/mounts/${index}`,
    }),
  )
}

interface Added {
  readonly before: readonly Op[]
  readonly after: readonly Op[]
  readonly degradations: readonly Degradation[]
}

function addBind(item: Item, spec: Spec, scene: LiveScene): Added {
  const source = sourceOf(item.mount, scene)
  const nested = !scene.isPrivileged
  const { bound, recursive, degradations } = settleBind(item, scene, { source, nested })
  const held = hold(item.mount, { index: item.index, scene, usernsFd: 0 })
  const locked = scene.isPrivileged && isPrivate(spec, 'user')
  return {
    before: [held.op === 'holdSource' && recursive ? { ...held, recursive: 1 } : held],
    after: [
      // A copy from the host's mount namespace would send there what is mounted on it.
      spread(item, MS_SLAVE | MS_REC),
      ...asHeld(item, [...attributesOfBind(bound, scene, locked), ...propagation(item)]),
    ],
    degradations,
  }
}

function addFilesystem(item: Item, scene: LiveScene): Added {
  const { mount, options, origin, index } = item
  const { data, degradations } = fitData(item, scene)
  const fstype = mount.type ?? ''
  const made: Op = {
    op: 'holdMount',
    fstype,
    source: mount.source || fstype,
    attr: options.attrSet,
    data,
    slot: index,
    origin,
  }
  const settled = asHeld(item, [...recursiveAttributes(guarded(item, scene), scene), ...propagation(item)])
  return { before: [], after: [made, ...settled], degradations }
}

/** What would be done to a mount in its place is done to the copy that is mounted nowhere yet. */
function asHeld(item: Item, ops: readonly Op[]): Op[] {
  return ops.flatMap((op): Op[] => {
    if (op.op === 'propagation') return [spread(item, Number(op.flags))]
    if (op.op !== 'attr') return []
    const { set, clear, recursive, spare, locked, origin } = op
    return [{ op: 'holdAttr', slot: item.index, set, clear, recursive, spare, locked, propagation: 0, origin }]
  })
}

function spread({ index, origin }: Item, flags: number): Op {
  const recursive = flags & MS_REC ? 1 : 0
  const nothing = { set: 0, clear: 0, spare: 0, locked: 0 }
  return { op: 'holdAttr', slot: index, ...nothing, recursive, propagation: flags & ~MS_REC, origin }
}

/** As many descriptors as init has for them. */
const MOST = 512

/** What cannot be had in a container that runs. The mounts of `spec` are those that are to be added. */
export function checkAdded(spec: Spec, host: Host): Issue[] {
  const mounts = spec.mounts ?? []
  const { major, minor, release } = host.kernel
  if (major < 5 || (major === 5 && minor < 12))
    return [error('/mounts', `mounts of a running container need mount_setattr of Linux 5.12, and this is ${release}`)]
  if (mounts.length > MOST) return [error('/mounts', `more than ${MOST} mounts at once are not possible`)]
  const joinsUser = isPrivate(spec, 'user') && (spec.linux?.uidMappings ?? []).length === 0
  return mounts.flatMap((mount, index) => {
    const pointer = `/mounts/${index}`
    const { type = '', destination, uidMappings = [] } = mount
    const options = parseMountOptions(mount.options ?? [])
    if (resolve('/', destination) === '/') return [error(`${pointer}/destination`, 'the root itself cannot be covered')]
    if (options.remount) return [error(`${pointer}/options`, 'a mount of a running container cannot be remounted')]
    if (options.extensions.has('tmpcopyup'))
      return [error(`${pointer}/options`, 'tmpcopyup is only possible while a container is made')]
    if (isIdMapped(mount) && joinsUser && uidMappings.length === 0)
      return [error(pointer, 'an id-mapped mount needs mappings of its own here: the user namespace was joined')]
    if (options.bind || type === 'bind' || Object.hasOwn(types, type)) return []
    return [
      error(
        `${pointer}/type`,
        `${type || 'no type'}: only binds, tmpfs and mqueue can be added to a running container`,
      ),
    ]
  })
}

/** Only what was mounted as such: a mask that is lifted would show what it hides. */
export function checkRemoved(mounts: readonly Mount[], { linux }: Spec): Issue[] {
  const covers = new Set(
    [...(linux?.maskedPaths ?? []), ...(linux?.readonlyPaths ?? [])].map((path) => resolve('/', path)),
  )
  return mounts.flatMap(({ destination }, index) => {
    const target = resolve('/', destination)
    const pointer = `/mounts/${index}/destination`
    if (target === '/') return [error(pointer, 'the root itself cannot be removed')]
    if (!covers.has(target)) return []
    return [error(pointer, `${target} is masked or read-only by the configuration of the container, and stays so`)]
  })
}
