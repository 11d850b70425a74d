/** Are the maps of the spec made of ids that we may map? Pure. */
import { error, type Issue } from '../../base/issue.ts'
import type { Host, SubIdRange } from '../../host/facts.ts'
import type { IdMapping, WantedMaps } from './choose.ts'
import { freeRange, grantCommand, isFree, type Kind, takenRanges } from './grant.ts'
import { allowedRanges, mayMapAny } from './powers.ts'
import { idsOf, missing } from './ranges.ts'

/** One issue for each range that is not ours, with the command that makes it ours. */
export function checkMaps(maps: WantedMaps, host: Host): Issue[] {
  return [...checkKind(maps.uidMappings, host, 'uid'), ...checkKind(maps.gidMappings, host, 'gid')]
}

function checkKind(lines: readonly IdMapping[], host: Host, kind: Kind): Issue[] {
  const allowed = allowedRanges(host, kind)
  return lines.flatMap(({ hostID, size }, index) => {
    if (!(size > 0)) return []
    const pointer = `/linux/${kind}Mappings/${index}`
    return missing({ start: hostID, size }, allowed).map((range) => error(pointer, describe(host, kind, range)))
  })
}

function describe(host: Host, kind: Kind, range: SubIdRange): string {
  const ids = `host ${kind}${range.size === 1 ? '' : 's'} ${idsOf(range)}`
  if (mayMapAny(host)) {
    const ours = allowedRanges(host, kind).map(idsOf).join(', ')
    return `${ids}: not mapped in the user namespace we run in; hostID must be an id of that namespace (${ours || 'none'})`
  }
  return `${ids}: not among the subordinate ids of ${host.userName ?? `uid ${host.uid}`}; fix: ${remedy(host, kind, range)}`
}

/** The very ids that are missing when nobody has them; else a free range to write into the spec. */
function remedy(host: Host, kind: Kind, range: SubIdRange): string {
  if (range.start >= 1000 && isFree(takenRanges(host), range)) return grantCommand(host, range, [kind])
  const free = freeRange(host, range.size)
  return `${grantCommand(host, free, [kind])}, and hostID ${free.start} in the map (the ids asked for are not free)`
}
