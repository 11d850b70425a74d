/** What in a container belongs to the outside: criu leaves it out of the image under a name, and is told what the name means now. Pure. */
import { basename, join, resolve } from 'node:path'
import type { Degradation } from '../../base/issue.ts'
import type { Mount as HostMount } from '../../host/facts.ts'
import { isWithin, mountOf, type Shown, shownAt } from '../../host/mountinfo.ts'
import { MS_SHARED } from '../../kernel/constants.ts'
import type { Mount, Spec } from '../../spec/types.ts'
import type { Home } from '../cgroups/record.ts'
import { parseMountOptions } from '../mounts/options.ts'
import { sourceOf, targetOf } from '../mounts/places.ts'
import { isJoined, isPrivate } from '../scene.ts'
import type { Named } from './messages.ts'

export interface Outside {
  readonly spec: Spec
  readonly bundle: string
  readonly rootfs: string
  /** The mounts that we see. */
  readonly mounts: readonly HostMount[]
  /** A path of ours without its links; undefined when nothing is there. */
  readonly real: (path: string) => string | undefined
  /** The container's cgroup in every tree. */
  readonly homes: readonly Pick<Home, 'version' | 'path'>[]
}

/** Nodes that may be the host's own, bound into the container: masks are made of the first. */
const nodes = ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`)

const isBind = ({ type, options = [] }: Mount): boolean => {
  const { bind, remount } = parseMountOptions(options)
  return !remount && (bind || type === 'bind')
}

/**
 * Every name that an image may hold, with the place on the host that it stands for. A name is the destination as
 * config.json has it, so that no link of the image has a say in what is bound where.
 */
export function outsidePlaces(outside: Outside): Named[] {
  const { spec, bundle, rootfs, real } = outside
  const binds = (spec.mounts ?? []).filter(isBind).flatMap((mount) => {
    const [name, source] = [targetOf(mount, rootfs), real(sourceOf(mount, { bundle }))]
    return source === undefined ? [] : [{ key: name, value: source }, ...below(name, source, outside)]
  })
  const devices = [...new Set([...nodes, ...(spec.linux?.devices ?? []).map(({ path }) => resolve('/', path))])]
  return [...binds, ...cgroupPlaces(outside), ...devices.map((path) => ({ key: path, value: path }))]
}

/** Mounts that came along with a recursive bind. */
function below(name: string, source: string, { mounts }: Outside): Named[] {
  const inside = mounts.filter(({ target }) => target !== source && isWithin(target, source))
  const rest = (target: string) => target.slice(source === '/' ? 0 : source.length)
  return inside.map(({ target }) => ({ key: `${name === '/' ? '' : name}${rest(target)}`, value: target }))
}

/** Without a cgroup namespace the container's directories are bound: see mounts/cgroup.ts. */
function cgroupPlaces({ spec, rootfs, homes, mounts }: Outside): Named[] {
  if (isPrivate(spec, 'cgroup')) return []
  const v1 = homes.filter(({ version }) => version === 1)
  const v2 = homes.find(({ version }) => version === 2)
  return (spec.mounts ?? []).flatMap((mount) => {
    if (mount.type !== 'cgroup' && mount.type !== 'cgroup2') return []
    const name = targetOf(mount, rootfs)
    if (v2 && (mount.type === 'cgroup2' || v1.length === 0)) return [{ key: name, value: v2.path }]
    return v1.map(({ path }) => ({ key: join(name, basename(mountOf(mounts, path)?.target ?? path)), value: path }))
  })
}

/**
 * The mounts of a container that show such a place, each with the place's name. They are told by what they show and not
 * by their path: the container may have changed what its paths mean.
 */
export function outsideMounts(outside: Outside, inside: readonly HostMount[]): Named[] {
  const found: Named[] = []
  const known = new Map<string, string>()
  for (const { key, value } of outsidePlaces(outside)) {
    const shown = shownAt(outside.mounts, value)
    if (shown === undefined) continue
    // Of several names for one place any will do: they stand for the same.
    if (!known.has(textOf(shown))) known.set(textOf(shown), key)
  }
  for (const { device, root, target } of inside) {
    const name = known.get(textOf({ device, path: root }))
    if (name !== undefined && target !== '/') found.push({ key: target, value: name })
  }
  return found
}

const textOf = ({ device, path }: Shown): string => `${device} ${path}`

/** Names that images of runc have too. */
export const namespaceNames = { network: 'extRootNetNS', pid: 'extRootPidNS' } as const

const files = { network: 'net', pid: 'pid' } as const

export const joinedOutside = (spec: Spec): (keyof typeof files)[] =>
  (['network', 'pid'] as const).filter((type) => isJoined(spec, type))

/** `net[4026532008]:extRootNetNS`: a namespace that somebody else made stays his. `inodeOf` knows the container's. */
export function outsideNamespaces(spec: Spec, inodeOf: (file: string) => string | undefined): string[] {
  return joinedOutside(spec).flatMap((type) => {
    const inode = inodeOf(files[type])
    return inode === undefined ? [] : [`${files[type]}[${inode}]:${namespaceNames[type]}`]
  })
}

/** criu works in a copy of our mounts that sends nothing back, so a shared one has no peers among ours any more. */
export function lostPeers({ mounts = [] }: Spec): Degradation[] {
  return mounts.flatMap((mount, i) => {
    const isShared = parseMountOptions(mount.options ?? []).propagation.some((flags) => (flags & MS_SHARED) !== 0)
    if (!isBind(mount) || !isShared) return []
    const message = `what is mounted in ${mount.destination} from now on does not reach the host: restored mounts have no peers there`
    return [{ pointer: `/mounts/${i}/options`, message }]
  })
}
