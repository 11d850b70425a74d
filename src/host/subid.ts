/** Subordinate ids: getsubids(1), subuid(5), subgid(5). */
import type { SubIdRange, SubIds } from './facts.ts'
import { readText } from './file.ts'
import { findProgram } from './program.ts'
import { FULL_SIZE } from './userns.ts'

export interface SubIdQuestion {
  readonly userName: string | undefined
  readonly uid: number
  readonly env: Readonly<Record<string, string | undefined>>
  /** Directory of subuid and subgid. */
  readonly etc: string
}

/** A name service that hangs must not hang us. */
const TIMEOUT_MS = 3000

/**
 * `getsubids` first, because it knows name services (SSSD, LDAP); the files when it is missing, fails or knows
 * nothing. Costs up to two processes: read it only when a map is to be chosen.
 */
export function readSubIds(question: SubIdQuestion): SubIds {
  const texts = { uid: readText(`${question.etc}/subuid`) ?? '', gid: readText(`${question.etc}/subgid`) ?? '' }
  // Both files are keyed by user, name or number. There is no such thing as a range of a group.
  const owners = [question.userName, String(question.uid)]
  const lines = [...parseSubIdFile(texts.uid), ...parseSubIdFile(texts.gid)]
  const taken = disjoint(lines.map(({ range }) => range))
  const others = disjoint(lines.flatMap(({ owner, range }) => (owners.includes(owner) ? [] : [range])))
  const asked = askGetsubids(question)
  if (asked !== undefined) return Object.freeze({ ...asked, source: 'getsubids', taken, others })

  const ours = (text: string) =>
    disjoint(parseSubIdFile(text).flatMap(({ owner, range }) => (owners.includes(owner) ? [range] : [])))
  const [uids, gids] = [ours(texts.uid), ours(texts.gid)]
  const source = uids.length > 0 || gids.length > 0 ? 'files' : 'none'
  return Object.freeze({ uids, gids, source, taken, others })
}

function askGetsubids({ userName, env }: SubIdQuestion): { uids: SubIdRange[]; gids: SubIdRange[] } | undefined {
  const program = userName === undefined ? undefined : findProgram('getsubids', env)
  if (program === undefined || userName === undefined) return undefined
  const uids = runGetsubids(program, [userName])
  if (uids.length === 0) return undefined
  return { uids, gids: runGetsubids(program, ['-g', userName]) }
}

function runGetsubids(program: string, args: readonly string[]): SubIdRange[] {
  // late: node:child_process brings the network modules along, and most calls never ask
  const { spawnSync } = process.getBuiltinModule('node:child_process')
  const { status, stdout } = spawnSync(program, args, {
    env: {},
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return status === 0 ? parseGetsubids(stdout) : []
}

/** Lines of `0: user 100000 65536`. */
export function parseGetsubids(text: string): SubIdRange[] {
  return disjoint(
    text.split('\n').flatMap((line) => {
      const [, start, size] = /^\d+:\s+.*\s(\d+)\s+(\d+)\s*$/.exec(line) ?? []
      return validRange(start, size)
    }),
  )
}

/** Lines of `owner:start:count`; comments, blank lines and nonsense are passed over. */
export function parseSubIdFile(text: string): { owner: string; range: SubIdRange }[] {
  return text.split('\n').flatMap((line) => {
    const [, owner, start, size] = /^\s*([^#\s:][^:]*):(\d+):(\d+)\s*(?:#.*)?$/.exec(line) ?? []
    return owner === undefined ? [] : validRange(start, size).map((range) => ({ owner, range }))
  })
}

/** At least one id, no wrap, and never the invalid last id. */
function validRange(start: string | undefined, size: string | undefined): SubIdRange[] {
  const range = { start: Number(start), size: Number(size) }
  if (!Number.isSafeInteger(range.start) || !Number.isSafeInteger(range.size)) return []
  return range.size > 0 && range.start + range.size <= FULL_SIZE ? [range] : []
}

/** Keeps the order, which decides the layout inside a container, and drops what an earlier range has already. */
export function disjoint(ranges: readonly SubIdRange[]): SubIdRange[] {
  const kept: SubIdRange[] = []
  for (const range of ranges) kept.push(...kept.reduce(subtractAll, [range]))
  return kept
}

const subtractAll = (pieces: SubIdRange[], hole: SubIdRange): SubIdRange[] =>
  pieces.flatMap((piece) => subtract(piece, hole))

/** What is left of `range` outside of `hole`: none, one or two pieces. */
export function subtract(range: SubIdRange, hole: SubIdRange): SubIdRange[] {
  const [end, holeEnd] = [range.start + range.size, hole.start + hole.size]
  if (holeEnd <= range.start || hole.start >= end) return [range]
  const pieces: SubIdRange[] = []
  if (hole.start > range.start) pieces.push({ start: range.start, size: hole.start - range.start })
  if (holeEnd < end) pieces.push({ start: holeEnd, size: end - holeEnd })
  return pieces
}
