/** Cgroups that a program left behind when it was killed: empty directories, which the kernel keeps until they are removed. */
import { readdirSync, rmdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Surveyed } from './survey.ts'
import { walkBelow } from './walk.ts'

/** Looks only where our own would lie. What has processes in it stays: the kernel refuses to remove it. */
export function sweepBeside(survey: readonly Surveyed[], isAbandoned: (name: string) => boolean): void {
  for (const { place } of survey) {
    const directory = dirname(join(place.mount, place.path))
    for (const name of namesIn(directory)) {
      if (!isAbandoned(name)) continue
      walkBelow(join(directory, name), (step) => remove(join(step.parent, step.name)))
      remove(join(directory, name))
    }
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function remove(path: string): void {
  try {
    rmdirSync(path)
  } catch {
    // in use, or somebody was faster
  }
}
