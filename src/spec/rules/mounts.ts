import { error, type Issue, warning } from '../../base/issue.ts'
import { quote } from '../quote.ts'
import type { Mount, Spec } from '../types.ts'
import { each, type Loose } from './loose.ts'
import { namespaceOf } from './namespaces.ts'

/** Unknown options are no finding: they are data for the file system. */
export function mountIssues(spec: Loose<Spec>): Issue[] {
  const hasUser = namespaceOf(spec, 'user') !== undefined
  return each(spec.mounts, '/mounts').flatMap(([mount, pointer]) => [
    ...destinationIssues(mount.destination, `${pointer}/destination`),
    ...sourceIssues(mount, `${pointer}/source`),
    ...copyIssues(mount, `${pointer}/options`),
    ...idMapIssues(mount, pointer, hasUser),
  ])
}

function destinationIssues(destination: string | undefined, pointer: string): Issue[] {
  if (destination === undefined || destination === '') return [error(pointer, 'a mount needs a destination')]
  if (destination.startsWith('/')) return []
  return [warning(pointer, `a relative destination is deprecated; ${quote(destination)} is taken as relative to /`)]
}

function sourceIssues({ type, source, options }: Loose<Mount>, pointer: string): Issue[] {
  const binds = type === 'bind' || options?.some((option) => option === 'bind' || option === 'rbind')
  return binds && (source === undefined || source === '') ? [error(pointer, 'a bind mount needs a source')] : []
}

/** Only a fresh, empty file system of ours may be filled with what it covers. */
function copyIssues({ type, options }: Loose<Mount>, pointer: string): Issue[] {
  return each(options, pointer)
    .filter(([option]) => option === 'tmpcopyup' && type !== 'tmpfs')
    .map(([, place]) => error(place, 'tmpcopyup is only for the type tmpfs'))
}

const count = (mappings: Loose<Mount>['uidMappings']): number => each(mappings, '').length

/** Both maps or none; without any, those of the container's user namespace. */
function idMapIssues(
  { type, options, uidMappings, gidMappings }: Loose<Mount>,
  pointer: string,
  hasUser: boolean,
): Issue[] {
  const [uids, gids] = [count(uidMappings), count(gidMappings)]
  const asks = each(options, '').some(([option]) => option === 'idmap' || option === 'ridmap')
  if (uids === 0 && gids === 0 && !asks) return []
  const issues: Issue[] = []
  if ((uids === 0) !== (gids === 0))
    issues.push(error(pointer, 'an id-mapped mount needs both uidMappings and gidMappings'))
  if (uids === 0 && gids === 0 && !hasUser)
    issues.push(
      error(pointer, 'an id-mapped mount needs mappings of its own where the container has no user namespace'),
    )
  if (type !== 'bind' && !each(options, '').some(([option]) => option === 'bind' || option === 'rbind'))
    issues.push(error(pointer, 'only a bind mount can be id-mapped'))
  return issues
}
