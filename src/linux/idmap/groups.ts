/**
 * How a process gets rid of supplementary groups, and who lets it: setgroups(2), user_namespaces(7). Pure.
 *
 * setgroups(2) takes CAP_SETGID. Root has it where it stands. Everybody else has it only in a user namespace of his own,
 * and there the kernel allows the call only when somebody privileged has written the group map: newgidmap, which does that
 * for who has a subordinate group id. So one of those is mapped, beside our own. A group that is to stay has to be mapped
 * as well, because setgroups(2) takes no other.
 */
import type { Host } from '../../host/facts.ts'
import type { IdMaps } from '../../kernel/plan.ts'
import { freeRange, grantCommand } from './grant.ts'
import { CAP_SETGID, hasCapability, helperObstacle, subordinateRanges } from './powers.ts'
import { mergeRanges } from './ranges.ts'
import { fitsOneWrite } from './render.ts'

export type GroupsEnforcer = 'setgroups' | 'newgidmap'

export interface GroupsWay {
  readonly by: GroupsEnforcer
  /** What the parent writes, with `newgidmap`. */
  readonly maps?: IdMaps
}

export interface GroupsRefusal {
  readonly why: string
  readonly fix: string
}

export interface GroupsWish {
  /** Ids to keep, that the caller has; the effective group id stays in any case. */
  readonly kept: readonly number[]
  /** Is there a user namespace to make? */
  readonly hasNamespace: boolean
}

const KEEP = 'or keep them: --groups all'

export function chooseGroups(host: Host, { kept, hasNamespace }: GroupsWish): GroupsWay | GroupsRefusal {
  if (host.setgroups === 'deny')
    return {
      why: 'the user namespace around us denies setgroups, for ever and for all below it',
      fix: `start it outside of that namespace, or give that one a group map by newgidmap; ${KEEP}`,
    }
  // Only user 0 still has its capabilities after an execve(2).
  if (host.uid === 0 && hasCapability(host.capEffective, CAP_SETGID)) return { by: 'setgroups' }
  if (!hasNamespace)
    return {
      why: 'dropping groups takes CAP_SETGID, and at level L there is no user namespace to have it in',
      fix: `run it where user namespaces are allowed, or as root with CAP_SETGID; ${KEEP}`,
    }
  return byHelper(host, kept)
}

function byHelper(host: Host, kept: readonly number[]): GroupsWay | GroupsRefusal {
  const obstacle = helperObstacle(host, ['gid'])
  if (obstacle !== undefined) return { why: obstacle.why, fix: `${obstacle.fix}; ${KEEP}` }
  const ranges = subordinateRanges(host, 'gid')
  const [first] = ranges
  const user = host.userName ?? `uid ${host.uid}`
  if (first === undefined)
    return {
      why: `without a subordinate group id the kernel denies setgroups, and ${user} has none in /etc/subgid`,
      fix: `${grantCommand(host, freeRange(host), ['gid'])}; ${KEEP}`,
    }
  const others = kept.filter((id) => id !== host.gid)
  const closed = others.filter((id) => !ranges.some(({ start, size }) => id >= start && id < start + size))
  if (closed.length > 0)
    return {
      why: `to stay while others go, a group must be mapped, and /etc/subgid does not give ${closed.join(', ')} to ${user}`,
      fix: `sudo usermod ${closed.map((id) => `--add-subgids ${id}-${id}`).join(' ')} ${host.userName ?? 'USER'}; ${KEEP}`,
    }
  const gid = mapOf(host.gid, others.length > 0 ? others : [first.start])
  if (!fitsOneWrite(gid)) return { why: 'they are more than a group map takes', fix: `keep fewer, ${KEEP}` }
  return { by: 'newgidmap', maps: { uid: [same(host.uid)], gid } }
}

const same = (id: number) => ({ inner: id, outer: id, size: 1 })

/** Each under its own number, and ours in a line by itself, as newgidmap wants it. */
const mapOf = (own: number, others: readonly number[]) =>
  mergeRanges([own, ...others.filter((id) => id !== own)].map(same), own)
