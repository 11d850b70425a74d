/** The part of a plan that belongs to one command. */
import { planForks } from '../container/hold/holder.ts'
import type { Op } from '../kernel/plan.ts'
import { planRuleset } from '../linux/landlock/plan.ts'
import type { CommandOptions } from './command-options.ts'
import { egressEnvironment } from './egress/plan.ts'
import { sandboxEnvironment } from './environment.ts'
import { planCalls } from './filter.ts'
import { planFiles } from './limits.ts'
import type { Policy } from './policy.ts'

export function compileCommand(policy: Policy, { argv, env, cwd, umask, isWatched = false }: CommandOptions): Op[] {
  const origin = 'sandbox'
  const environment = sandboxEnvironment(policy.host, {
    ...egressEnvironment(policy.options.egress),
    ...policy.options.env,
    ...env,
  })
  const file = argv[0] ?? ''
  return [
    { op: 'reap', lingers: 0, origin },
    { op: 'umask', mask: umask, origin },
    ...planFiles(policy.options.limits, policy.host),
    ...planForks(policy.way, policy.host),
    { op: 'bounding', mask: 0, origin },
    { op: 'cwd', path: cwd, lenient: 0, origin: 'cwd' },
    { op: 'caps', effective: 0, permitted: 0, inheritable: 0, ambient: 0, origin },
    { op: 'noNewPrivs', origin },
    { op: 'lookup', file, search: environment.search, origin: 'command' },
    ...ports(policy),
    ...planCalls(policy, { isWatched, keepFds: 0 }),
    {
      op: 'exec',
      file,
      search: environment.search,
      argv,
      env: environment.env,
      keepFds: 0,
      origin: 'command',
    },
  ]
}

/** With the caller's network the ports are held by Landlock at every level. */
function ports({ options, standing }: Policy): Op[] {
  if (options.ports === undefined) return []
  return planRuleset({ abi: standing.landlock, files: undefined, ports: options.ports, scoped: false, origin: 'net' })
}
