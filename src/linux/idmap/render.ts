/** Id maps as the kernel and the helpers take them. */
import type { IdRange } from '../../host/facts.ts'

/** user_namespaces(7): since 4.15. Before it was 5. */
export const MAX_LINES = 340
/** One write, shorter than one page. With long numbers this bound comes first. */
export const MAX_BYTES = 4095

/** The text of uid_map or gid_map; plain ASCII, so its length is its size in bytes. */
export function mapText(ranges: readonly IdRange[]): string {
  return ranges.map(({ inner, outer, size }) => `${inner} ${outer} ${size}\n`).join('')
}

export function fitsOneWrite(ranges: readonly IdRange[]): boolean {
  return ranges.length <= MAX_LINES && mapText(ranges).length <= MAX_BYTES
}

/** Arguments of newuidmap(1) and newgidmap(1). */
export function helperArguments(pid: number, ranges: readonly IdRange[]): string[] {
  return [String(pid), ...ranges.flatMap(({ inner, outer, size }) => [String(inner), String(outer), String(size)])]
}
