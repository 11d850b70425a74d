/** The command that gives a user more subordinate ids, ready to paste: never a range that someone has already. */
import type { Host, SubIdRange } from '../../host/facts.ts'
import { missing, span } from './ranges.ts'

/** SUB_UID_MIN of login.defs(5), and the size every distribution hands out. */
const LOWEST = 100_000
export const USUAL_SIZE = 65_536

export type Kind = 'uid' | 'gid'

/** The lowest free range of this size. */
export function freeRange(host: Host, size: number = USUAL_SIZE): SubIdRange {
  const taken = takenRanges(host)
  const starts = [LOWEST, ...taken.map((range) => range.start + range.size)].filter((start) => start >= LOWEST)
  const start = starts.toSorted((a, b) => a - b).find((from) => isFree(taken, { start: from, size }))
  return { start: start ?? LOWEST, size }
}

export function isFree(taken: readonly SubIdRange[], range: SubIdRange): boolean {
  return missing(range, taken).reduce((sum, piece) => sum + piece.size, 0) === range.size
}

export function takenRanges({ subIds }: Host): SubIdRange[] {
  return [...subIds.uids, ...subIds.gids, ...(subIds.taken ?? [])]
}

/** `sudo usermod --add-subuids S-E --add-subgids S-E USER`. Without a range, a free one of the usual size. */
export function grantCommand(host: Host, range: SubIdRange = freeRange(host), kinds: readonly Kind[] = ['uid', 'gid']) {
  const flags = kinds.map((kind) => `--add-sub${kind}s ${span(range)}`).join(' ')
  return `sudo usermod ${flags} ${host.userName ?? 'USER'}`
}
