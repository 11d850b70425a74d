/** Settings as TOML, one whole key a line, so that a line can be found and moved. */
import { printable } from '../../base/log.ts'
import { inlineKey, inlineValue } from '../../config/inline.ts'
import type { Entry } from '../../config/layers.ts'

export function printSettings(entries: readonly Entry[], withOrigin: boolean): string {
  return entries
    .map(({ path, value, source, place }) => {
      const line = `${path.map(inlineKey).join('.')} = ${inlineValue(value)}`
      return withOrigin ? `${line}  # ${source === place ? source : `${source}: ${printable(place)}`}\n` : `${line}\n`
    })
    .join('')
}
