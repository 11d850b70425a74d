/** Which ids the container gets and who writes the map. Pure. */
import { RuntimeError } from '../../base/errors.ts'
import type { Host, IdRange } from '../../host/facts.ts'
import { grantCommand, type Kind } from './grant.ts'
import { helperObstacle, mayMapAny, type Obstacle, ownId, ownMap, subordinateRanges } from './powers.ts'
import { isolate, mergeRanges, splitAtParent, whyInvalid } from './ranges.ts'
import { fitsOneWrite, MAX_BYTES, mapText } from './render.ts'

/** A line of linux.uidMappings: `hostID` is an id of the namespace we run in, not of the real host. */
export interface IdMapping {
  readonly containerID: number
  readonly hostID: number
  readonly size: number
}

export interface WantedMaps {
  readonly uidMappings: readonly IdMapping[]
  readonly gidMappings: readonly IdMapping[]
}

/**
 * `self`: one line of our own id, which the kernel takes from anyone once setgroups is denied. `helper`: newuidmap and
 * newgidmap. `direct`: we hold CAP_SETUID and CAP_SETGID.
 */
export type MapMethod = 'self' | 'helper' | 'direct'

export interface ChosenMaps {
  readonly uid: IdRange[]
  readonly gid: IdRange[]
  readonly method: MapMethod
  /** Write `deny` to setgroups before gid_map: setgroups(2) is gone in the container for ever. */
  readonly denySetgroups: boolean
  /** What is had in a weaker form than usual, and why. */
  readonly notes: string[]
}

export type Choice = ChosenMaps | { readonly error: RuntimeError }

/** Takes the maps of the spec; without them the most that this user may have. Call it only for a new user namespace. */
export function chooseMaps(host: Host, wanted?: WantedMaps): Choice {
  const { uidMappings = [], gidMappings = [] } = wanted ?? {}
  if (uidMappings.length > 0 && gidMappings.length > 0) return chooseGiven(host, { uidMappings, gidMappings })
  if (uidMappings.length > 0 || gidMappings.length > 0)
    return { error: halfMap(uidMappings.length > 0 ? 'gid' : 'uid') }
  if (host.realRoot) return { error: noMap() }
  return host.rootlessEuid ? chooseSubordinate(host) : copyOwn(host)
}

function chooseGiven(host: Host, wanted: WantedMaps): Choice {
  const [uid, gid] = [toRanges(wanted.uidMappings), toRanges(wanted.gidMappings)]
  const method = mayMapAny(host) ? 'direct' : isOwnOnly(host, uid, gid) ? 'self' : 'helper'
  const obstacle = method === 'helper' ? helperObstacle(host) : undefined
  if (obstacle !== undefined) return { error: helperUseless(obstacle) }
  return finish(host, { uid, gid, method, notes: [] })
}

/** Root in a user namespace: container id = id, for each line of our own map. */
function copyOwn(host: Host): Choice {
  if (!mayMapAny(host)) return single(host, 'our process lacks CAP_SETUID or CAP_SETGID')
  const copy = (kind: Kind) => ownMap(host, kind).map(({ inner, size }) => ({ inner, outer: inner, size }))
  return finish(host, { uid: copy('uid'), gid: copy('gid'), method: 'direct', notes: [] })
}

/** Container 0 is us, 1 and up are the subordinate ranges in their order. */
function chooseSubordinate(host: Host): Choice {
  const obstacle = mayMapAny(host) ? undefined : helperObstacle(host)
  if (obstacle !== undefined) return single(host, `${obstacle.why} (${obstacle.fix})`)
  const uid = layOut(host, 'uid')
  const gid = layOut(host, 'gid')
  if (uid.length === 1 || gid.length === 1) return single(host, whyNoRanges(host, uid.length === 1 ? 'uid' : 'gid'))

  const fitting = { uid: cutToFit(uid), gid: cutToFit(gid) }
  const notes = (['uid', 'gid'] as const).flatMap((kind) => {
    const dropped = (kind === 'uid' ? uid : gid).length - fitting[kind].length
    return dropped > 0 ? [`${dropped} subordinate ${kind} ranges are left out: the kernel takes one page of map`] : []
  })
  return finish(host, { ...fitting, method: mayMapAny(host) ? 'direct' : 'helper', notes })
}

function layOut(host: Host, kind: Kind): IdRange[] {
  const own = ownId(host, kind)
  const ranges: IdRange[] = [{ inner: 0, outer: own, size: 1 }]
  let next = 1
  for (const { start, size } of subordinateRanges(host, kind)) {
    // Our own id is container 0 already; mapping it twice is EINVAL.
    for (const piece of isolate([{ inner: next, outer: start, size }], own)) {
      if (piece.outer === own) continue
      ranges.push({ inner: next, outer: piece.outer, size: piece.size })
      next += piece.size
    }
  }
  return splitAtParent(mergeRanges(ranges, own), ownMap(host, kind))
}

/** As many leading lines as one write takes. */
function cutToFit(ranges: readonly IdRange[]): IdRange[] {
  const kept = [...ranges]
  while (!fitsOneWrite(kept)) kept.pop()
  return kept
}

function single(host: Host, why: string): Choice {
  const uid = [{ inner: 0, outer: host.uid, size: 1 }]
  const gid = [{ inner: 0, outer: host.gid, size: 1 }]
  return { uid, gid, method: 'self', denySetgroups: true, notes: [`only one user and one group id are mapped: ${why}`] }
}

function whyNoRanges(host: Host, kind: Kind): string {
  const file = kind === 'uid' ? '/etc/subuid' : '/etc/subgid'
  return `${host.userName ?? `uid ${host.uid}`} has no range in ${file} (${grantCommand(host)})`
}

function finish(host: Host, chosen: Omit<ChosenMaps, 'denySetgroups'>): Choice {
  const uid = prepare(host, chosen, 'uid')
  if (uid instanceof RuntimeError) return { error: uid }
  const gid = prepare(host, chosen, 'gid')
  if (gid instanceof RuntimeError) return { error: gid }
  // newgidmap writes the denial itself unless it maps a subordinate group.
  const ownGroupOnly = chosen.method === 'helper' && isOwn(gid, host.gid)
  const denySetgroups = chosen.method === 'self' || ownGroupOnly || host.setgroups === 'deny'
  return { uid, gid, method: chosen.method, denySetgroups, notes: chosen.notes }
}

/** Merged as far as the writer allows, and checked against what the kernel would refuse. */
function prepare(host: Host, chosen: Omit<ChosenMaps, 'denySetgroups'>, kind: Kind): IdRange[] | RuntimeError {
  const origin = `/linux/${kind}Mappings`
  const invalid = whyInvalid(chosen[kind])
  if (invalid !== undefined) {
    const fix = 'give every line a size of at least 1 and let no two lines share an id'
    return new RuntimeError('map-invalid', { what: `the ${kind} map is not valid`, why: invalid, fix, origin })
  }
  const merged = chosen.method === 'helper' ? apart(host, chosen[kind], kind) : mergeRanges(chosen[kind])
  const lines = splitAtParent(merged, ownMap(host, kind))
  if (fitsOneWrite(lines)) return lines
  const details = [`${lines.length} lines, ${mapText(lines).length} bytes, of at most ${MAX_BYTES}`]
  return new RuntimeError('map-too-long', { details, origin })
}

/** newuidmap allows our own id in a line of its own, unless a subordinate range happens to hold it. */
function apart(host: Host, ranges: readonly IdRange[], kind: Kind): IdRange[] {
  const own = ownId(host, kind)
  const held = subordinateRanges(host, kind).some(({ start, size }) => own >= start && own < start + size)
  return held ? mergeRanges(ranges) : mergeRanges(isolate(ranges, own), own)
}

const isOwnOnly = (host: Host, uid: readonly IdRange[], gid: readonly IdRange[]): boolean =>
  isOwn(uid, host.uid) && isOwn(gid, host.gid)

const isOwn = (ranges: readonly IdRange[], own: number): boolean =>
  ranges.length === 1 && ranges[0]?.size === 1 && ranges[0].outer === own

const toRanges = (lines: readonly IdMapping[]): IdRange[] =>
  lines.map(({ containerID, hostID, size }) => ({ inner: containerID, outer: hostID, size }))

function helperUseless({ code, why }: Obstacle): RuntimeError {
  const what = 'more than our own id is to be mapped, and newuidmap and newgidmap cannot do it'
  return new RuntimeError(code, { what, why, origin: '/linux/uidMappings' })
}

function noMap(): RuntimeError {
  return new RuntimeError('map-invalid', {
    what: 'User namespaces enabled, but no uid mappings found',
    why: 'real root has no subordinate ids to choose from',
    fix: 'give linux.uidMappings and linux.gidMappings, or remove the user namespace',
    origin: '/linux/uidMappings',
  })
}

function halfMap(absent: Kind): RuntimeError {
  return new RuntimeError('map-invalid', {
    what: `User namespaces enabled, but no ${absent} mappings found`,
    why: 'one of the two maps is given and the other is not',
    fix: `give linux.${absent}Mappings too, or neither of them`,
    origin: `/linux/${absent}Mappings`,
  })
}
