/** How a user gets the ids that a container asks for. */
import type { Host } from '../../host/facts.ts'
import { freeRange, grantCommand, type Kind, USUAL_SIZE } from '../../linux/idmap/grant.ts'
import { helperObstacle, subordinateRanges } from '../../linux/idmap/powers.ts'
import { idsOf } from '../../linux/idmap/ranges.ts'

/** What makes `id` a mapped one: container 0 is the user, 1 and up are the subordinate ids. */
export function mapFix(host: Host, kind: Kind, id: number): string {
  if (!host.rootlessEuid) {
    const ours = (kind === 'uid' ? host.uidMap : host.gidMap).map(({ inner, size }) => idsOf({ start: inner, size }))
    return `add a line for ${id} to linux.${kind}Mappings (we may map ${ours.join(', ')})`
  }
  const obstacle = helperObstacle(host)
  const had = subordinateRanges(host, kind).reduce((sum, range) => sum + range.size, 0)
  if (had >= id && obstacle === undefined)
    return `add a line for ${id} to linux.${kind}Mappings: the subordinate ids of this user suffice for it`
  const size = Math.max(USUAL_SIZE, id - had)
  if (obstacle !== undefined) {
    const range = had >= id ? '' : ` and ${grantCommand(host, freeRange(host, size))}`
    return `${obstacle.fix}${range} (${obstacle.why}); or use the user 0 of the container`
  }
  return `${grantCommand(host, freeRange(host, size))}, then create the container again`
}
