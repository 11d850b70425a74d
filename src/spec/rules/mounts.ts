import { error, type Issue, warning } from '../../base/issue.ts'
import { idmapOptionIndex, parseIdmapOption } from '../idmap-option.ts'
import { quote } from '../quote.ts'
import type { Linux, Mount, Spec } from '../types.ts'
import { each, type Loose } from './loose.ts'
import { namespaceOf } from './namespaces.ts'

/** Unknown options are no finding: they are data for the file system. */
export function mountIssues(spec: Loose<Spec>): Issue[] {
  const hasUser = namespaceOf(spec, 'user') !== undefined
  return each(spec.mounts, '/mounts').flatMap(([mount, pointer]) => [
    ...destinationIssues(mount.destination, `${pointer}/destination`),
    ...sourceIssues(mount, `${pointer}/source`),
    ...copyIssues(mount, `${pointer}/options`),
    ...(idmapOptionIndex(mount) < 0
      ? idMapIssues(mount, pointer, hasUser)
      : idmapOptionIssues(mount, pointer, spec.linux)),
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

/** crun takes only the mappings of the specification then; which of the two was meant is not ours to guess. */
function idmapOptionIssues(mount: Loose<Mount>, pointer: string, linux: Loose<Spec>['linux']): Issue[] {
  const index = idmapOptionIndex(mount)
  const place = `${pointer}/options/${index}`
  if (count(mount.uidMappings) + count(mount.gidMappings) > 0)
    return [error(place, 'the mount has uidMappings or gidMappings as well')]
  const mappings = parseIdmapOption(mount.options?.[index] ?? '', linux as Linux | undefined)
  if (typeof mappings === 'string') return [error(place, mappings)]
  return idMapIssues({ ...mount, ...mappings }, pointer, true)
}

const count = (mappings: Loose<Mount>['uidMappings']): number => each(mappings, '').length

/** Both maps or none; without any, those of the container's user namespace. */
function idMapIssues(
  { type, options, uidMappings, gidMappings }: Loose<Mount>,
  pointer: string,
  hasUser: boolean,
): Issue[] {
  const [uids, gids] = [count(uidMappings), count(gidMappings)]
  const asks = each(options, '').some(([option]) => /^r?idmap(=|$)/.test(option))
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
