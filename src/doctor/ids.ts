/** Can more than one id be mapped, and are they enough, and ours alone? */
import type { Host, SubIdRange } from '../host/facts.ts'
import { chooseMaps } from '../linux/idmap/choose.ts'
import { grantCommand, USUAL_SIZE } from '../linux/idmap/grant.ts'
import { helperObstacle, mayMapAny } from '../linux/idmap/powers.ts'
import { span } from '../linux/idmap/ranges.ts'
import { rangesTrial } from './checks.ts'
import { type Finding, fromError, ok, unknown, weak } from './finding.ts'
import { prove } from './proof.ts'

const [id, title] = ['subids', 'id ranges']
const subject = { id, title }

export async function rangesFinding(host: Host, hasUserNamespace: boolean): Promise<Finding> {
  const choice = chooseMaps(host.realRoot ? { ...host, realRoot: false } : host)
  if ('error' in choice) return fromError(id, title, choice.error, 'weak')
  if (choice.method === 'self') return single(host, choice.notes[0])
  if (!hasUserNamespace) return unknown(id, title, 'it needs a user namespace')
  try {
    await prove(rangesTrial(choice), host)
  } catch (error) {
    return fromError(id, title, error, 'weak')
  }
  return (host.rootlessEuid ? flaw(host) : undefined) ?? ok(id, title, 'tried, and it works')
}

function single(host: Host, note = 'only one id is mapped'): Finding {
  const what = 'one user and one group id'
  const obstacle = mayMapAny(host) ? undefined : helperObstacle(host)
  if (!host.rootlessEuid) return { id, title, status: 'weak', what, why: note }
  if (obstacle !== undefined) return weak(subject, obstacle.code, { what, why: obstacle.why, fix: obstacle.fix })
  return weak(subject, 'map-range', { what, why: note, fix: grantCommand(host) })
}

/** It works, and something is wrong with it all the same. The worse one first. */
function flaw(host: Host): Finding | undefined {
  const { uids, gids, others } = host.subIds
  const own = [...uids, ...gids]
  const shared = (others ?? []).filter((other) => own.some((range) => overlaps(range, other)))
  if (shared.length > 0)
    return weak(subject, 'subids-shared', {
      what: `another user has ${shared.map(span).join(', ')} too, and we have ${own.map(span).join(', ')}`,
      fix: `${grantCommand(host)}, and remove the shared lines from /etc/subuid and /etc/subgid`,
    })
  const fewest = Math.min(sum(uids), sum(gids))
  if (fewest >= USUAL_SIZE) return undefined
  return weak(subject, 'subids-few', {
    what: `${sum(uids)} user ids and ${sum(gids)} group ids`,
    fix: grantCommand(host),
  })
}

const sum = (ranges: readonly SubIdRange[]): number => ranges.reduce((total, { size }) => total + size, 0)

const overlaps = (a: SubIdRange, b: SubIdRange): boolean => a.start < b.start + b.size && b.start < a.start + a.size
