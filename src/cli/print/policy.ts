/** A policy in words, one rule a line, or as JSON. */
import { printable } from '../../base/log.ts'
import type { Explanation } from '../../sandbox/explain.ts'
import { printTable } from './table.ts'

export function printPolicy({ rules }: Explanation): string {
  return printTable(
    rules.map(({ rule, words, place }) => [rule, printable(words), `(${printable(place)})`]),
    { narrowest: 9, gap: 2, widest: 60 },
  )
}

export const printPolicyJson = (explanation: Explanation): string =>
  `${JSON.stringify({ schemaVersion: 1, ...explanation }, undefined, 2)}\n`
