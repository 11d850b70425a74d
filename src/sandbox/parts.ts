/** What a sandbox has, by the names that `require` knows. Pure. */
import { type Demanded, demands, type Standing } from './level.ts'
import type { CheckedOptions } from './options.ts'

export function partsOf(options: CheckedOptions, standing: Standing): Readonly<Record<Demanded, boolean>> {
  const names = Object.keys(demands) as Demanded[]
  return Object.fromEntries(names.map((name) => [name, demands[name](options, standing) === undefined])) as Record<
    Demanded,
    boolean
  >
}
