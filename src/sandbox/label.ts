/** What a sandbox is called in lists of processes, where `usnea top` reads it: words that anybody may see. Pure. */
import type { Policy } from './policy.ts'

export function labelOf({ standing, options }: Pick<Policy, 'standing' | 'options'>): string {
  const { amounts } = options.limits
  const words = {
    level: standing.level,
    net: options.egress === undefined ? options.net : 'allow-host',
    ...(options.minLevel === 'U0' ? {} : { wanted: options.minLevel }),
    ...amounts,
  }
  const pairs = Object.entries(words).filter(([, value]) => value !== undefined)
  return ['sandbox', ...pairs.map(([name, value]) => `${name}=${value}`)].join(' ')
}
