/** What a run came to: a table to read, and lines to compare with another run. */
import type { Status, Verdict } from './suite.ts'

export interface Outcome {
  readonly file: string
  readonly verdicts: readonly Verdict[]
}

const columns: readonly Status[] = ['pass', 'fail', 'skip', 'lost']

const count = (verdicts: readonly Verdict[], status: Status) =>
  verdicts.filter((verdict) => verdict.status === status).length

export function row(file: string, verdicts: readonly Verdict[], width: number): string {
  return [file.padEnd(width), ...columns.map((status) => String(count(verdicts, status)).padStart(5))].join(' ')
}

export const heading = (width: number) => ['file'.padEnd(width), ...columns.map((name) => name.padStart(5))].join(' ')

export const total = (outcomes: readonly Outcome[], width: number) =>
  row(
    'total',
    outcomes.flatMap(({ verdicts }) => verdicts),
    width,
  )

/** Files, or programs, that passed: nothing failed or got lost, and something was shown. */
export function passedFiles(outcomes: readonly Outcome[]): string {
  const passed = outcomes.filter(
    ({ verdicts }) => count(verdicts, 'fail') + count(verdicts, 'lost') === 0 && count(verdicts, 'pass') > 0,
  )
  return `files that passed: ${passed.length} of ${outcomes.length}`
}

/** file, test, status, note: one line a test. */
export function tsv(outcomes: readonly Outcome[]): string {
  const plain = (text: string) => text.replaceAll(/[\t\n]/g, ' ')
  return outcomes
    .flatMap(({ file, verdicts }) =>
      verdicts.map(({ test, status, note }) => [file, test, status, note].map(plain).join('\t')),
    )
    .map((line) => `${line}\n`)
    .join('')
}
