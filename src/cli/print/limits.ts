/** What holds the limits of a container, as a table or as JSON. */
import type { Limit } from '../../container/limit.ts'
import { printTable } from './table.ts'

export function printLimits(limits: readonly Limit[]): string {
  const rows = limits.map(({ limit, value, enforcedBy, detail = '' }) => [limit, shown(value), enforcedBy, detail])
  return printTable([['LIMIT', 'VALUE', 'ENFORCED BY', 'WHERE OR WHY NOT'], ...rows])
}

const LONGEST = 40

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? ''
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}
