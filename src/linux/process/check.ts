/** Ids, groups and limits that this host cannot give, told before anything is made. */
import { error, type Issue } from '../../base/issue.ts'
import type { Host, IdRange } from '../../host/facts.ts'
import type { Process } from '../../spec/types.ts'
import { holds } from '../scene.ts'

export interface ProcessLimits {
  readonly uid: readonly IdRange[]
  readonly gid: readonly IdRange[]
  readonly maySetGroups: boolean
  readonly host: Host
  readonly origin: string
}

export function checkProcess(process: Process, limits: ProcessLimits): Issue[] {
  const { uid: uids, gid: gids, origin, host } = limits
  const { uid = 0, gid = 0, additionalGids = [] } = process.user ?? {}
  const issues: Issue[] = []
  if (!holds(uids, uid)) issues.push(unmapped(`${origin}/user/uid`, `cannot setuid to unmapped uid ${uid}`, host))
  if (!holds(gids, gid)) issues.push(unmapped(`${origin}/user/gid`, `cannot setgid to unmapped gid ${gid}`, host))
  if (additionalGids.length > 0 && !limits.maySetGroups)
    issues.push(
      error(
        `${origin}/user/additionalGids`,
        'cannot set any additional groups in a rootless container: with one mapped id the kernel denies setgroups; fix: install newgidmap and give the user a range in /etc/subgid, or remove additionalGids',
      ),
    )
  else
    for (const [i, group] of additionalGids.entries())
      if (!holds(gids, group))
        issues.push(unmapped(`${origin}/user/additionalGids/${i}`, `cannot set unmapped group ${group}`, host))
  return issues
}

function unmapped(pointer: string, what: string, host: Host): Issue {
  const user = host.userName ?? String(host.uid)
  const fix = `sudo usermod --add-subuids START-END --add-subgids START-END ${user}`
  return error(pointer, `${what} in user namespace: the map of the container does not hold it; fix: ${fix}`)
}
