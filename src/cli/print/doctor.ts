/** The report of the doctor, for people. */
import type { Diagnosis } from '../../doctor/doctor.ts'

const words = { ok: 'ok  ', weak: 'weak', fail: 'FAIL' } as const

export function printDiagnosis({ level, meaning, findings }: Diagnosis): string {
  const width = Math.max(...findings.map(({ title }) => title.length))
  const ids = Math.max(...findings.map(({ id }) => id.length))
  const lines = findings.flatMap(({ id, status, title, what, why, fix }) => [
    `${words[status]}  ${id.padEnd(ids)}  ${title.padEnd(width)}  ${what}`,
    ...(why === undefined ? [] : [`${' '.repeat(ids + width + 10)}cause: ${why}`]),
    ...(fix === undefined || status === 'ok' ? [] : [`${' '.repeat(ids + width + 10)}fix: ${fix}`]),
  ])
  return `${lines.join('\n')}\n\nlevel ${level}: ${meaning}\n`
}
