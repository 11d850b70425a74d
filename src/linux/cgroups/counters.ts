/** The numbers in the files of a cgroup. A file that is not there counts nothing. */
import { LAST_CPU } from '../../spec/number-list.ts'
import { readCgroupFile } from './files.ts'

export type Counts = Readonly<Record<string, bigint>>

const parse = (text: string): bigint | undefined => (/^\d+$/.test(text) ? BigInt(text) : undefined)

/** Undefined for `max`, too. */
export function numberIn(path: string, file: string): bigint | undefined {
  return parse(readCgroupFile(path, file)?.trim() ?? '')
}

/** Lines of `name number`. */
export function countsOf(path: string, file: string): Counts {
  const pairs = (readCgroupFile(path, file) ?? '').split('\n').flatMap((line) => {
    const [name, text] = line.split(' ')
    const value = parse(text ?? '')
    return name && value !== undefined ? [[name, value] as const] : []
  })
  return Object.fromEntries(pairs)
}

/** `0-2,5` as numbers. */
export function listIn(path: string, file: string): number[] {
  return (readCgroupFile(path, file) ?? '')
    .trim()
    .split(',')
    .filter(Boolean)
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number)
      const isRange = last >= first && last <= LAST_CPU
      return isRange ? Array.from({ length: last - first + 1 }, (_, i) => first + i) : []
    })
}

/** Without what is zero, as runc leaves it out. */
export const withoutZeros = (counts: Counts): Counts =>
  Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0n))

export interface MemoryEntry {
  readonly limit: bigint
  readonly usage?: bigint
  readonly max?: bigint
  readonly failcnt: bigint
}

export const memoryEntry = (limit: bigint, usage: bigint, { max = 0n, failcnt = 0n } = {}): MemoryEntry => ({
  limit,
  ...(usage ? { usage } : {}),
  ...(max ? { max } : {}),
  failcnt,
})
