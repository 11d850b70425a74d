/** What a sandbox has, by the names that `require` knows. Pure. */
import type { Way } from '../container/hold/choose.ts'
import { demands, type Standing } from './level.ts'
import { type Demanded, demandable } from './level-words.ts'
import type { CheckedOptions } from './options.ts'

export function partsOf(
  options: CheckedOptions,
  standing: Standing,
  way: Way | undefined,
): Readonly<Record<Demanded, boolean>> {
  const parts = Object.fromEntries(demandable.map((name) => [name, demands[name](options, standing) === undefined]))
  // What systemd hands out is known when it is asked.
  return { ...(parts as Record<Demanded, boolean>), cgroups: way?.by === 'cgroup' }
}
