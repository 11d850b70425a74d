/** The report of the doctor, for people. */
import type { Diagnosis } from '../../doctor/doctor.ts'

const words = { ok: 'ok  ', weak: 'weak', fail: 'FAIL' } as const

export function printDiagnosis({ level, meaning, findings }: Diagnosis): string {
  const width = Math.max(...findings.map(({ title }) => title.length))
  const lines = findings.flatMap(({ status, title, what, why, fix }) => [
    `${words[status]}  ${title.padEnd(width)}  ${what}`,
    ...(why === undefined ? [] : [`${' '.repeat(width + 8)}cause: ${why}`]),
    ...(fix === undefined || status === 'ok' ? [] : [`${' '.repeat(width + 8)}fix: ${fix}`]),
  ])
  return `${lines.join('\n')}\n\nlevel ${level}: ${meaning}\n`
}
