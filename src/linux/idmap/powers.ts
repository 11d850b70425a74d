/** What the kernel and the helpers let us map: user_namespaces(7), "Defining user and group ID mappings". */
import type { Code } from '../../base/errors.ts'
import type { Host, SubIdRange } from '../../host/facts.ts'
import type { Kind } from './grant.ts'
import { clip } from './ranges.ts'

export const CAP_SETGID = 6n
export const CAP_SETUID = 7n
export const CAP_SETFCAP = 31n

export const hasCapability = (set: bigint, capability: bigint): boolean => (set & (1n << capability)) !== 0n

/** With both capabilities any id of our own namespace can be mapped, without a helper. */
export function mayMapAny(host: Host): boolean {
  return hasCapability(host.capEffective, CAP_SETUID) && hasCapability(host.capEffective, CAP_SETGID)
}

export function ownId(host: Host, kind: Kind): number {
  return kind === 'uid' ? host.uid : host.gid
}

export function ownMap(host: Host, kind: Kind) {
  return kind === 'uid' ? host.uidMap : host.gidMap
}

/** Subordinate ids that exist in our namespace: inside another container /etc/subuid often names ids that do not. */
export function subordinateRanges(host: Host, kind: Kind): SubIdRange[] {
  return clip(kind === 'uid' ? host.subIds.uids : host.subIds.gids, ownMap(host, kind))
}

/** Every id we may map, in the ids of the namespace we run in. */
export function allowedRanges(host: Host, kind: Kind): SubIdRange[] {
  if (mayMapAny(host)) return ownMap(host, kind).map(({ inner, size }) => ({ start: inner, size }))
  return [{ start: ownId(host, kind), size: 1 }, ...subordinateRanges(host, kind)]
}

export interface Obstacle {
  readonly code: Code
  readonly why: string
  readonly fix: string
}

const helperCapabilities = { uid: ['CAP_SETUID', CAP_SETUID], gid: ['CAP_SETGID', CAP_SETGID] } as const

/** Why newuidmap and newgidmap cannot help here, or the one of them that is needed; or undefined. Asks only for cheap facts. */
export function helperObstacle(host: Host, kinds: readonly Kind[] = ['uid', 'gid']): Obstacle | undefined {
  const absent = kinds.find((kind) => host[`new${kind}map`] === undefined)
  if (absent !== undefined) {
    const fix = 'sudo apt-get install uidmap, or sudo dnf install shadow-utils'
    return { code: 'map-helper-missing', why: `new${absent}map was not found`, fix }
  }
  if (host.noNewPrivs) {
    const fix = 'systemd: NoNewPrivileges=no; Kubernetes: allowPrivilegeEscalation: true'
    const why = `no_new_privs is set on our process, so new${kinds[0]}map has no effect`
    return { code: 'map-helper-nnp', why, fix }
  }
  const lacking = kinds
    .map((kind) => helperCapabilities[kind])
    .flatMap(([name, bit]) => (hasCapability(host.capBounding, bit) ? [] : [name]))
  if (lacking.length === 0) return undefined
  const why = `the capability bounding set of our process lacks ${lacking.join(' and ')}`
  const names = lacking.map((name) => name.replace('CAP_', '')).join(',')
  const fix = `Docker: --cap-add ${kinds.length === 2 ? 'SETUID,SETGID' : names} on the outer container`
  return { code: 'map-helper-bounding', why, fix }
}
