import { error, type Issue, warning } from '../../base/issue.ts'
import { capabilityNames } from '../names.ts'
import { quote } from '../quote.ts'
import type { Process, Spec } from '../types.ts'
import { each, type Loose } from './loose.ts'
import { rlimitIssues } from './rlimits.ts'
import { schedulingIssues } from './scheduling.ts'

export const noProcess = 'the configuration has no `process` section'

/** The specification lets `create` do without; whoever wants to run something refuses it. */
export function processIssues(spec: Loose<Spec>): Issue[] {
  const { process } = spec
  if (process === undefined) return [warning('/process', noProcess)]
  return [
    ...cwdIssues(process.cwd),
    ...argsIssues(process.args),
    ...envIssues(process.env),
    ...capabilityIssues(process.capabilities),
    ...rlimitIssues(process.rlimits),
    ...schedulingIssues(process),
  ]
}

function cwdIssues(cwd: string | undefined): Issue[] {
  if (cwd === undefined || cwd === '') return [error('/process/cwd', 'Cwd property must not be empty')]
  return cwd.startsWith('/') ? [] : [error('/process/cwd', `Cwd must be an absolute path, found ${quote(cwd)}`)]
}

function argsIssues(args: readonly string[] | undefined): Issue[] {
  return args === undefined || args.length === 0 ? [error('/process/args', 'args must not be empty')] : []
}

function envIssues(env: readonly string[] | undefined): Issue[] {
  return each(env, '/process/env')
    .filter(([entry]) => entry.indexOf('=') < 1)
    .map(([entry, pointer]) => warning(pointer, `an entry should be NAME=value, found ${quote(entry)}`))
}

const knownCapabilities: ReadonlySet<string> = new Set(capabilityNames)

/** Unknown names are no error: callers list what their own kernel has, and the specification asks to go on. */
function capabilityIssues(capabilities: Loose<Process>['capabilities']): Issue[] {
  const sets = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'] as const
  return sets.flatMap((set) =>
    each(capabilities?.[set], `/process/capabilities/${set}`)
      .filter(([name]) => !knownCapabilities.has(name))
      .map(([name, pointer]) => warning(pointer, `the unknown capability ${quote(name)} is ignored`)),
  )
}
