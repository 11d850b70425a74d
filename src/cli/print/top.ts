/** What runs, as a table or as JSON. */
import { printable } from '../../base/log.ts'
import type { Running } from '../../container/top.ts'
import { printTable } from './table.ts'

/** A screen that is drawn again and again. */
export interface Screen {
  /** What was there the last time, and how many milliseconds ago. */
  readonly before: readonly Running[]
  readonly passedMs: number
  readonly rows: number
  readonly columns: number
  readonly isBold: boolean
}

const HEAD = ['KIND', 'ID', 'STATUS', 'UID', 'LEVEL', 'NET', 'TIME', 'CPU', 'MEMORY', 'PIDS', 'COMMAND']

export function printTop(running: readonly Running[], screen?: Screen): string {
  const cellsOf = (one: Running) => [
    one.kind,
    one.id,
    one.status,
    String(one.uid),
    one.level ?? '-',
    one.net === '' ? '-' : one.net,
    age(one.ageMs),
    `${Math.round(share(one, screen) * 100)}%`,
    ofLimit(size(one.memory), one.memoryLimit === undefined ? undefined : size(one.memoryLimit)),
    ofLimit(String(one.pids), one.pidsLimit === undefined ? undefined : String(one.pidsLimit)),
    one.command.join(' '),
  ]
  const rows = running.map((one) => cellsOf(one).map(word))
  const lines = printTable([HEAD, ...rows], { narrowest: 0, gap: 2 })
    .split('\n')
    .slice(0, -1)
  if (screen === undefined) return lines.map((line) => `${line}\n`).join('')
  const fit = lines.slice(0, screen.rows - 1).map((line) => [...line].slice(0, screen.columns).join(''))
  const [head = '', ...rest] = fit
  return [screen.isBold ? `\x1b[1m${head}\x1b[0m` : head, ...rest].map((line) => `${line}\n`).join('')
}

/** Stable: fields may be added. Sandboxes in the order of their beginning, then containers and tasks by name. */
export const printTopJson = (running: readonly Running[]): string =>
  `${JSON.stringify(running.map((one) => ({ ...one, level: one.level ?? null, memoryLimit: one.memoryLimit ?? null, pidsLimit: one.pidsLimit ?? null, cpusLimit: one.cpusLimit ?? null }))).replace(/\p{Cc}/gu, (character) => `\\u00${character.charCodeAt(0).toString(16)}`)}\n`

/** Processors: since the last look, else since it began. */
function share(one: Running, screen: Screen | undefined): number {
  const last = screen?.before.find(({ kind, id, pid }) => kind === one.kind && id === one.id && pid === one.pid)
  if (screen === undefined || last === undefined) return one.ageMs === 0 ? 0 : one.cpuMs / one.ageMs
  return Math.max(0, one.cpuMs - last.cpuMs) / Math.max(1, screen.passedMs)
}

const ofLimit = (used: string, limit: string | undefined): string => (limit === undefined ? used : `${used}/${limit}`)

/** A process may write what it likes into its arguments: on one line, and nothing that steers a terminal. */
const word = (text: string): string => printable(text).replace(/[\n\t]/g, ' ')

export function size(bytes: number): string {
  const units = ['B', 'K', 'M', 'G', 'T']
  let at = 0
  let value = bytes
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024
    at++
  }
  return `${value < 10 && at > 0 && value % 1 !== 0 ? value.toFixed(1) : Math.round(value)}${units[at]}`
}

export function age(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000)
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ]
  if (days > 0) return `${days}d${hours}h`
  if (hours > 0) return `${hours}h${minutes}m`
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`
}
