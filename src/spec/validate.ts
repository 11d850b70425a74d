/** Everything that is wrong with a configuration, all at once: first its shape, then the rules, one file a subject. */
import { error, type Issue } from '../base/issue.ts'
import { placesAbove, without } from './pointer.ts'
import { annotationIssues } from './rules/annotations.ts'
import { deviceIssues } from './rules/devices.ts'
import { hookIssues } from './rules/hooks.ts'
import { idMapIssues } from './rules/idmaps.ts'
import type { Loose } from './rules/loose.ts'
import { mountIssues } from './rules/mounts.ts'
import { namespaceIssues } from './rules/namespaces.ts'
import { netDeviceIssues } from './rules/net-devices.ts'
import { pathIssues } from './rules/paths.ts'
import { noProcess, processIssues } from './rules/process.ts'
import { rdtIssues } from './rules/rdt.ts'
import { memoryPolicyIssues, personalityIssues } from './rules/scheduling.ts'
import { seccompIssues } from './rules/seccomp.ts'
import { sysctlIssues } from './rules/sysctl.ts'
import { versionIssues } from './rules/version.ts'
import { structureIssues } from './structure.ts'
import type { Spec } from './types.ts'

type Rule = (spec: Loose<Spec>) => Issue[]

const rules: readonly Rule[] = [
  versionIssues,
  processIssues,
  pathIssues,
  namespaceIssues,
  idMapIssues,
  mountIssues,
  hookIssues,
  annotationIssues,
  deviceIssues,
  sysctlIssues,
  memoryPolicyIssues,
  netDeviceIssues,
  personalityIssues,
  rdtIssues,
  seccompIssues,
]

/** Errors and warnings of a whole config.json. Without an error the value is a `Spec`, with `root` in it. */
export function validate(config: unknown): Issue[] {
  return findings(config, rules)
}

const PROCESS = '/process'

/** The same for a process description on its own, as `exec --process` takes it; pointers are into that document. */
export function validateProcess(process: unknown): Issue[] {
  if (process === undefined) return [error('', noProcess)]
  return findings({ process }, [processIssues]).map((issue) => ({
    ...issue,
    pointer: issue.pointer.slice(PROCESS.length),
  }))
}

/** The rules see the document without its wrong-shaped parts, and may not speak of those parts a second time. */
function findings(document: unknown, applied: readonly Rule[]): Issue[] {
  const structure = structureIssues(document)
  const wrong = structure.map((issue) => issue.pointer)
  if (wrong[0] === '') return structure
  const sound = without(document, wrong) as Loose<Spec>
  const told = new Set(wrong)
  const found = applied.flatMap((rule) => rule(sound))
  return [...structure, ...found.filter(({ pointer }) => !placesAbove(pointer).some((place) => told.has(place)))]
}
