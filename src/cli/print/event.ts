/** One event as one line of JSON. */
import type { ContainerEvent } from '../../container/events.ts'

const MARK = '\u0000'

/** Counters pass 2^53, and JSON of JavaScript has no words for bigint: they are marked and put in as they are. */
export function printEvent({ type, id, ...rest }: ContainerEvent): string {
  const text = JSON.stringify({ type, id, ...rest }, (_, value: unknown) =>
    typeof value === 'bigint' ? `${MARK}${value}` : value,
  )
  return `${text.replace(/"\\u0000(-?\d+)"/g, '$1')}\n`
}
