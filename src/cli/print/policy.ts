/** A policy in words, one rule a line. */
import { printable } from '../../base/log.ts'
import type { ExplainedRule } from '../../sandbox/explain.ts'
import { printTable } from './table.ts'

export function printPolicy(rules: readonly ExplainedRule[]): string {
  return printTable(
    rules.map(({ rule, words, place }) => [rule, printable(words), `(${printable(place)})`]),
    { narrowest: 9, gap: 2, widest: 60 },
  )
}
