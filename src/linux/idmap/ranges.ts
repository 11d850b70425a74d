/** Arithmetic of id maps. `inner` is inside the child namespace, `outer` is in the namespace we run in. */
import { type HostId, hostId } from '../../base/ids.ts'
import type { IdRange, SubIdRange } from '../../host/facts.ts'
import { subtract } from '../../host/subid.ts'
import { FULL_SIZE } from '../../host/userns.ts'

export function isMapped(ranges: readonly IdRange[], inner: number): boolean {
  return toOuter(ranges, inner) !== undefined
}

/** The id outside that an id inside stands for, or undefined when the map does not have it. */
export function toOuter(ranges: readonly IdRange[], inner: number): HostId | undefined {
  const range = ranges.find((r) => inner >= r.inner && inner < r.inner + r.size)
  return range === undefined ? undefined : hostId(range.outer + inner - range.inner)
}

/** The other way round: how the container sees an id of ours. */
export function toInner(ranges: readonly IdRange[], outer: number): number | undefined {
  const range = ranges.find((r) => outer >= r.outer && outer < r.outer + r.size)
  return range === undefined ? undefined : range.inner + outer - range.outer
}

/**
 * One line where several are continuous on both sides, sorted by inner id. `apart` is an id outside whose line stays
 * alone: newuidmap lets us map our own id only in a line of size one.
 */
export function mergeRanges(ranges: readonly IdRange[], apart?: number): IdRange[] {
  const merged: IdRange[] = []
  for (const range of ranges.toSorted((a, b) => a.inner - b.inner)) {
    const last = merged.at(-1)
    if (last !== undefined && continues(last, range) && !isAlone(last, apart) && !isAlone(range, apart)) {
      merged[merged.length - 1] = { ...last, size: last.size + range.size }
    } else {
      merged.push({ inner: range.inner, outer: range.outer, size: range.size })
    }
  }
  return merged
}

const continues = (a: IdRange, b: IdRange): boolean => b.inner === a.inner + a.size && b.outer === a.outer + a.size

const isAlone = (range: IdRange, id: number | undefined): boolean => range.size === 1 && range.outer === id

/** Cuts the line that holds `outer` so that this id has a line of its own. */
export function isolate(ranges: readonly IdRange[], outer: number): IdRange[] {
  return ranges.flatMap((range) => {
    const before = outer - range.outer
    if (before < 0 || before >= range.size) return [range]
    const pieces = [
      { inner: range.inner, outer: range.outer, size: before },
      { inner: range.inner + before, outer, size: 1 },
      { inner: range.inner + before + 1, outer: outer + 1, size: range.size - before - 1 },
    ]
    return pieces.filter((piece) => piece.size > 0)
  })
}

/**
 * Cuts lines where one line of our own map ends: the kernel looks every line up in a single line of the parent's map,
 * and answers EPERM to one that needs two of them. Ids we do not have stay as they are.
 */
export function splitAtParent(ranges: readonly IdRange[], parent: readonly IdRange[]): IdRange[] {
  return ranges.flatMap((range) => {
    const inside = { start: range.outer, size: range.size }
    const pieces = [...clip([inside], parent), ...missing(inside, parent.map(toSubRange))]
    return pieces
      .toSorted((a, b) => a.start - b.start)
      .map(({ start, size }) => ({ inner: range.inner + start - range.outer, outer: start, size }))
  })
}

const toSubRange = ({ inner, size }: IdRange): SubIdRange => ({ start: inner, size })

/** The reason why the kernel would answer EINVAL, or undefined. */
export function whyInvalid(ranges: readonly IdRange[]): string | undefined {
  for (const range of ranges) {
    if (!isRange(range)) return `${describe(range)} has a size of zero, or passes the highest id 4294967294`
  }
  return whyOverlap(ranges, 'inner') ?? whyOverlap(ranges, 'outer')
}

function isRange({ inner, outer, size }: IdRange): boolean {
  if (![inner, outer, size].every((value) => Number.isSafeInteger(value) && value >= 0)) return false
  return size > 0 && inner + size <= FULL_SIZE && outer + size <= FULL_SIZE
}

function whyOverlap(ranges: readonly IdRange[], side: 'inner' | 'outer'): string | undefined {
  const sorted = ranges.toSorted((a, b) => a[side] - b[side])
  for (const [index, range] of sorted.entries()) {
    const last = sorted[index - 1]
    if (last !== undefined && last[side] + last.size > range[side]) {
      return `${describe(last)} and ${describe(range)} overlap ${side === 'inner' ? 'inside' : 'outside'}`
    }
  }
  return undefined
}

const describe = ({ inner, outer, size }: IdRange): string => `${inner} -> ${outer} (${size})`

/** The parts of `wanted` that no range of `allowed` has. */
export function missing(wanted: SubIdRange, allowed: readonly SubIdRange[]): SubIdRange[] {
  return allowed.reduce((pieces, range) => pieces.flatMap((piece) => subtract(piece, range)), [wanted])
}

/** The parts of `ranges` that exist in a namespace with this map; order is kept. */
export function clip(ranges: readonly SubIdRange[], map: readonly IdRange[]): SubIdRange[] {
  return ranges.flatMap((range) =>
    map.flatMap(({ inner, size }) => {
      const start = Math.max(range.start, inner)
      const end = Math.min(range.start + range.size, inner + size)
      return end > start ? [{ start, size: end - start }] : []
    }),
  )
}

/** `100000-165535`, as usermod writes it. */
export const span = ({ start, size }: SubIdRange): string => `${start}-${start + size - 1}`

/** The same for people: a single id stands alone. */
export const idsOf = (range: SubIdRange): string => (range.size === 1 ? String(range.start) : span(range))

/** Id 0 where it is mapped, else the first id that is: files are made by it. */
export function rootOf(ranges: readonly IdRange[]): number {
  return ranges.some((range) => range.inner === 0) ? 0 : (ranges[0]?.inner ?? 0)
}
