/** What of the host is private: kept from the command, which has an empty place of its own instead. */
import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { isWithin } from '../host/mountinfo.ts'
import { OtherMounts, type OtherPlace } from '../host/other-mounts.ts'

export interface PrivatePlace {
  readonly path: string
  /** Of the empty directory in its place. */
  readonly mode: string
  /** The private place whose files could be seen there. */
  readonly shows?: string
  /** Whoever may talk to what listens here is root. */
  readonly isMaster?: true
  /** A file, which reads as empty; a removed one cannot be covered. */
  readonly isFile?: 'there' | 'removed'
}

/** A home that holds the system itself cannot be private, and what the system lies on cannot be covered. */
const system = ['/usr', '/bin', '/lib', '/etc', '/dev', '/proc', '/sys']

/**
 * Where programs leave things behind, and where sockets of the host's daemons are; and wherever else these are mounted.
 * Parents come before what lies in them. @throws RuntimeError `policy-unenforceable`
 */
export function privatePlaces(host: Host): PrivatePlace[] {
  const named = namedPlaces(host)
  const homes = new Set([host.home, host.accountHome].flatMap((home) => realDirectory(home ?? '') ?? []))
  const mounts = mountsOf(host)
  const views = named.flatMap(({ path }): PrivatePlace[] => {
    const isHome = homes.has(path)
    const others = [...mounts.placesOf(path), ...(isHome ? mounts.mountsOfThoseBelow(path) : [])]
    return others.flatMap((other) => coverOf(other, { path, isHome }, named) ?? [])
  })
  return [...named, ...outermost([...views, ...masterSockets(mounts, named)])]
}

/**
 * Of engines that make whoever may talk to them root, as docker.sock does, and do not lie in a private place. A read-only
 * mount does not keep anybody from connecting, so they are covered.
 */
const masters = [
  ...['/var/lib/lxd/unix.socket', '/var/snap/lxd/common/lxd/unix.socket', '/var/snap/lxd/common/lxd-user/unix.socket'],
  ...['/var/lib/incus/unix.socket', '/var/lib/incus/unix.socket.user'],
  ...['/var/snap/multipass/common/multipass_socket', '/var/snap/microk8s/common/run/containerd.sock'],
]

function masterSockets(mounts: OtherMounts, named: readonly PrivatePlace[]): PrivatePlace[] {
  return masters.flatMap((path) => {
    if (!isSocket(path)) return []
    const real = realpathSync(path)
    const places = [real, ...mounts.placesOf(real).map((other) => other.path)]
    return places.flatMap((one) =>
      isSocket(one) && !named.some((place) => isWithin(one, place.path))
        ? [{ path: one, mode: '0000', isFile: 'there', isMaster: true } as const]
        : [],
    )
  })
}

function isSocket(path: string): boolean {
  try {
    return statSync(path).isSocket()
  } catch {
    return false // closed to us, and so to the command
  }
}

function namedPlaces(host: Host): PrivatePlace[] {
  const homes = [host.home, host.accountHome].flatMap((home) => home || [])
  const isOwn = (home: string) => !system.some((path) => isWithin(path, home))
  const places = [
    { path: '/tmp', mode: '1777' },
    { path: '/var/tmp', mode: '1777' },
    { path: '/run', mode: '0755' },
    ...homes.filter(isOwn).map((path) => ({ path, mode: '0700' })),
  ]
  return places
    .flatMap(({ path, mode }) => {
      const real = realDirectory(path)
      return real === undefined || real === '/' ? [] : [{ path: real, mode }]
    })
    .filter(({ path }, i, all) => all.findIndex((other) => other.path === path) === i)
    .sort((a, b) => a.path.length - b.path.length)
}

/** The paths, and wherever else their files can be seen. @throws RuntimeError `policy-unenforceable` */
export function alsoElsewhere(paths: readonly string[], host: Host): string[] {
  if (paths.length === 0) return []
  const mounts = mountsOf(host)
  return paths.flatMap((path) => {
    const others = mounts.placesOf(path).filter((other) => canCover(other.path, paths) !== undefined)
    for (const other of others) if (other.isRemoved) throw uncoverable(other.path, path)
    return [path, ...others.map((other) => other.path)]
  })
}

/** There is always a root, so an empty list is one that could not be read. */
function mountsOf({ mounts }: Host): OtherMounts {
  if (mounts.length > 0) return new OtherMounts(mounts, realOf)
  throw new RuntimeError('policy-unenforceable', {
    details: ['private: whether the private places are mounted elsewhere too cannot be seen'],
    origin: 'sandbox',
    why: 'mountinfo of our own process cannot be read',
    fix: 'mount /proc, so that our own processes can be seen in it',
  })
}

function realOf(path: string): string {
  try {
    return realpathSync.native(path)
  } catch {
    return path // closed to us, or gone
  }
}

interface Origin {
  readonly path: string
  readonly isHome: boolean
}

function coverOf(
  { path, isRemoved }: OtherPlace,
  { path: shows, isHome }: Origin,
  named: readonly PrivatePlace[],
): PrivatePlace | undefined {
  const places = named.map((place) => place.path)
  if (places.some((place) => isWithin(path, place))) return undefined
  const stat = canCover(path, places)
  if (stat === undefined) return undefined
  // A removed directory is empty, and nothing can be made in it.
  if (stat.isDirectory()) return isRemoved ? undefined : { path, mode: '0755', shows }
  // Engines mount such as resolv.conf and hosts from /run or /tmp: that is the system's.
  if (!isHome && isWithin(path, '/etc')) return undefined
  return { path, mode: '0000', shows, isFile: isRemoved ? 'removed' : 'there' }
}

/** Of what is private, and not named by the caller. @throws RuntimeError `policy-unenforceable` */
export function assertCoverable(places: readonly PrivatePlace[], named: readonly string[]): void {
  for (const { path, isFile, shows = '' } of places)
    if (isFile === 'removed' && !named.some((one) => one !== path && isWithin(path, one)))
      throw uncoverable(path, shows)
}

const uncoverable = (path: string, shows: string): RuntimeError =>
  new RuntimeError('policy-unenforceable', {
    details: [`private: ${path} shows a file of ${shows}, and cannot be covered`],
    origin: 'sandbox',
    why: 'the file was removed, or replaced by another, after it was mounted there; the kernel mounts nothing on such a one',
    fix: `umount ${path}, or show it with all that lies around it: --ro ${dirname(path)}`,
  })

/** What is not there, or closed to us and so to the command, need not be covered; what all else lies on cannot be. */
function canCover(path: string, around: readonly string[]): Stats | undefined {
  if ([...system, ...around].some((place) => isWithin(place, path))) return undefined
  try {
    return lstatSync(path)
  } catch {
    return undefined
  }
}

const outermost = (views: readonly PrivatePlace[]): PrivatePlace[] =>
  views
    .filter(({ path }, i) => !views.some((one, j) => isWithin(path, one.path) && (one.path !== path || j < i)))
    .sort((a, b) => a.path.length - b.path.length)

function realDirectory(path: string): string | undefined {
  try {
    const real = realpathSync(path)
    return statSync(real).isDirectory() ? real : undefined
  } catch {
    return undefined
  }
}
