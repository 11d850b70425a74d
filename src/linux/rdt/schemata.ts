/** The lines of resctrl's `schemata` files. Pure. */
import type { IntelRdt } from '../../spec/types.ts'

export interface SchemataLine {
  /** `L3`, `L3CODE`, `L2`, `MB`, … */
  readonly resource: string
  /** By number of the cache or domain, as it is written. */
  readonly values: ReadonlyMap<number, string>
}

/** In the order that runtime-spec 1.3 gives: the cache, the bandwidth, then the lines as they are. */
export function linesOf({ l3CacheSchema = '', memBwSchema = '', schemata = [] }: IntelRdt): string[] {
  return [...l3CacheSchema.split('\n'), memBwSchema, ...schemata].filter((line) => line !== '')
}

export function parseLine(line: string): SchemataLine | undefined {
  const [, resource, rest] = /^\s*([A-Z0-9]+):(.*)$/.exec(line) ?? []
  if (resource === undefined || rest === undefined) return undefined
  const pairs = rest
    .split(';')
    .map((pair) => /^\s*(\d+)\s*=\s*(\S+)\s*$/.exec(pair))
    .flatMap((found) => (found ? [[Number(found[1]), found[2] ?? ''] as const] : []))
  return { resource, values: new Map(pairs) }
}

/** A share of bandwidth is a decimal number, everything else a mask of bits in hexadecimal digits. */
const isShare = (resource: string): boolean => resource === 'MB' || resource === 'SMBA'

export interface Rounding {
  /** Steps of bandwidth in percent: the kernel rounds up to the next one. `info/MB/bandwidth_gran` */
  readonly step: number
}

function isSame(resource: string, [asked, is]: readonly [string, string], { step }: Rounding): boolean {
  if (!isShare(resource)) return Number.parseInt(asked, 16) === Number.parseInt(is, 16)
  const [wanted, given] = [Number(asked), Number(is)]
  return wanted === given || Math.ceil(wanted / step) * step === given
}

/** The first of these lines that a group, by the text of its `schemata`, does not hold; domains that are not named may be anything. */
export function firstDifference(lines: readonly string[], text: string, rounding: Rounding): string | undefined {
  const has = new Map(text.split('\n').flatMap((line) => parsed(line)))
  return lines.find((line) => {
    const asked = parseLine(line)
    const is = asked && has.get(asked.resource)
    if (!asked || !is) return true
    return [...asked.values].some(([domain, value]) => !isSame(asked.resource, [value, is.get(domain) ?? ''], rounding))
  })
}

function parsed(line: string): [string, ReadonlyMap<number, string>][] {
  const found = parseLine(line)
  return found ? [[found.resource, found.values]] : []
}
