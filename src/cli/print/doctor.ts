/** The report of the doctor, for people. */
import type { Diagnosis } from '../../doctor/doctor.ts'

const words = { ok: 'ok  ', weak: 'weak', fail: 'FAIL', unknown: '?   ' } as const

export function printDiagnosis({ level, meaning, sandbox, around, findings }: Diagnosis): string {
  const width = Math.max(...findings.map(({ title }) => title.length))
  const ids = Math.max(...findings.map(({ id }) => id.length))
  const lines = findings.flatMap(({ id, status, title, what, why, fix }) => [
    `${words[status]}  ${id.padEnd(ids)}  ${title.padEnd(width)}  ${what}`,
    ...(why === undefined ? [] : [`${' '.repeat(ids + width + 10)}cause: ${why}`]),
    ...(fix === undefined || status === 'ok' ? [] : [`${' '.repeat(ids + width + 10)}fix: ${fix}`]),
  ])
  const place = around.length === 0 ? '' : `around us: ${around.join('; ')}\n`
  const boxes =
    sandbox === level
      ? ''
      : `a sandbox (usnea -- CMD): level ${sandbox}${sandbox === 'L' ? ', with --min-level L' : ''}\n`
  return `${lines.join('\n')}\n\n${place}level ${level}: ${meaning}\n${boxes}`
}
