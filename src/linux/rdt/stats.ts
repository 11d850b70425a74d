/** What a group of resctrl holds and counts, in the shape that `runc events` made known. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RdtRecord } from './manager.ts'

type Section = Readonly<Record<string, unknown>>

/** Values of a counter file are bigint: they pass 2^53. A file that is not there counts nothing. */
export function rdtStats({ root, group, monitor }: RdtRecord): Section {
  const [above, here] = [linesIn(root), linesIn(group)]
  const cache = infoOf(join(root, 'info/L3'), ['cbm_mask'], ['min_cbm_bits', 'num_closids'])
  const bandwidth = infoOf(
    join(root, 'info/MB'),
    [],
    ['bandwidth_gran', 'delay_linear', 'min_bandwidth', 'num_closids'],
  )
  const counted = join(monitor ?? group, 'mon_data')
  return withContent({
    l3_cache_info: cache,
    l3_cache_schema_root: cache && above.find((line) => line.startsWith('L3')),
    l3_cache_schema: cache && here.find((line) => line.startsWith('L3')),
    mem_bw_info: bandwidth,
    mem_bw_schema_root: bandwidth && above.find((line) => line.startsWith('MB')),
    mem_bw_schema: bandwidth && here.find((line) => line.startsWith('MB')),
    schemata: here,
    mbm_stats: perDomain(counted, ['mbm_total_bytes', 'mbm_local_bytes']),
    cmt_stats: perDomain(counted, ['llc_occupancy']),
  })
}

const linesIn = (directory: string): string[] =>
  (read(join(directory, 'schemata')) ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)

function infoOf(directory: string, texts: readonly string[], numbers: readonly string[]): Section | undefined {
  const words = texts.map((name) => [name, read(join(directory, name))] as const)
  const counts = numbers.map((name) => [name, count(join(directory, name))] as const)
  return some(Object.fromEntries([...words, ...counts]))
}

/** One entry a cache; undefined when the kernel counts none of these. */
function perDomain(directory: string, names: readonly string[]): Section[] | undefined {
  const found = namesIn(directory).flatMap((domain) => {
    const counts = some(Object.fromEntries(names.map((name) => [name, count(join(directory, domain, name))])))
    return counts ? [counts] : []
  })
  return found.length > 0 ? found : undefined
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.startsWith('mon_L3_'))
      .sort()
  } catch {
    return []
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

function count(path: string): bigint | undefined {
  const text = read(path) ?? ''
  return /^\d+$/.test(text) ? BigInt(text) : undefined
}

function withContent(section: Section): Section {
  return Object.fromEntries(Object.entries(section).filter(([, value]) => value !== undefined))
}

function some(section: Section): Section | undefined {
  const found = withContent(section)
  return Object.keys(found).length > 0 ? found : undefined
}
