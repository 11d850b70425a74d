import { bundle } from './catalogue/bundle.ts'
import { cgroups } from './catalogue/cgroups.ts'
import { commandLine } from './catalogue/command-line.ts'
import { configFile } from './catalogue/config-file.ts'
import { criu } from './catalogue/criu.ts'
import { denials } from './catalogue/denials.ts'
import { doctor } from './catalogue/doctor.ts'
import type { CatalogueEntry } from './catalogue/entry.ts'
import { idmaps } from './catalogue/idmaps.ts'
import { layers } from './catalogue/layers.ts'
import { library } from './catalogue/library.ts'
import { mounts } from './catalogue/mounts.ts'
import { network } from './catalogue/network.ts'
import { ourselves } from './catalogue/ourselves.ts'
import { policy } from './catalogue/policy.ts'
import { process } from './catalogue/process.ts'
import { runtimes } from './catalogue/runtimes.ts'
import { state } from './catalogue/state.ts'
import { tasks } from './catalogue/tasks.ts'
import { userns } from './catalogue/userns.ts'

/**
 * Every error code with its stock words, one file a subject. docs/errors.md has one heading a code and a test holds the two together.
 * `what` begins with the words that podman, containerd and CRI-O match (reference: cli.md §5.5); never write
 * "no such file or directory" or "permission denied" into a hint, because callers classify by those words.
 */
const entries = {
  ...commandLine,
  ...state,
  ...cgroups,
  ...bundle,
  ...userns,
  ...idmaps,
  ...mounts,
  ...network,
  ...process,
  ...criu,
  ...configFile,
  ...runtimes,
  ...policy,
  ...tasks,
  ...ourselves,
  ...layers,
  ...doctor,
  ...library,
  ...denials,
} as const satisfies Record<string, CatalogueEntry>

export type Code = keyof typeof entries

export const catalogue: Readonly<Record<Code, CatalogueEntry>> = entries
