/** A log of denials into what would open them. */
import { resolve } from 'node:path'
import { RuntimeError } from '../../base/errors.ts'
import { type Sorted, sortGrants } from './condense.ts'
import { grantFor } from './grants.ts'
import type { Denial } from './shape.ts'

/** A log is bounded by whoever writes it; what is larger is none. */
const MOST_LINES = 1_000_000

/** @throws RuntimeError `denial-log` */
export function readLog(text: string): Denial[] {
  const lines = text.split('\n')
  if (lines.length > MOST_LINES) throw broken('it has more lines than a log can have')
  return lines.flatMap((line, place) => (line.trim() === '' ? [] : [readLine(line, place + 1)]))
}

function readLine(line: string, number: number): Denial {
  const value = parsed(line)
  if (!isDenial(value)) throw broken(`line ${number} is none of a log`)
  return value
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

const texts = ['time', 'verdict', 'kind', 'action', 'rule'] as const
const mayBe = ['path', 'pathBase64', 'host', 'address', 'call', 'errno', 'reason', 'command'] as const

function isDenial(value: unknown): value is Denial {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const record = value as Record<string, unknown>
  const isPort = (port: unknown) =>
    port === undefined || (Number.isInteger(port) && Number(port) >= 0 && Number(port) < 65_536)
  return (
    texts.every((name) => typeof record[name] === 'string') &&
    mayBe.every((name) => record[name] === undefined || typeof record[name] === 'string') &&
    isPort(record.port) &&
    (record.kind !== 'file' || record.path !== undefined) &&
    (typeof record.path !== 'string' || /^@/.test(record.path) || isPlain(record.path))
  )
}

/** As a kernel writes it: what is judged by its beginning may not lead back. */
const isPlain = (path: string): boolean => path === '/' || (path.startsWith('/') && resolve(path) === path)

const broken = (detail: string) => new RuntimeError('denial-log', { details: [detail] })

export interface Suggestion extends Sorted {
  /** What no rule opens, or only one that says so by its name. */
  readonly closed: readonly Denial[]
}

export function suggest(denials: readonly Denial[], home: string | undefined): Suggestion {
  const refused = denials.filter(
    ({ verdict, kind, count }) => verdict === 'refused' && kind !== 'lost' && count === undefined,
  )
  const judged = refused.map((denial) => ({ denial, grant: grantFor(denial) }))
  return {
    ...sortGrants(
      judged.flatMap(({ grant }) => grant ?? []),
      home,
    ),
    closed: judged.flatMap(({ denial, grant }) => (grant === undefined ? [denial] : [])),
  }
}
