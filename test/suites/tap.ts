/** The Test Anything Protocol, as far as bats and the validation programs speak it. */
import type { Verdict } from './suite.ts'

const point = /^(not )?ok\b *(\d+)? *(?:- )?(.*?)(?: *# *(skip|todo)\b[ :]*(.*))?$/i

/** Tests that the plan announces and nobody told of are lost, with the reason that the caller knows. */
export function parseTap(text: string, whyLost: string): Verdict[] {
  const verdicts: Verdict[] = []
  let announced: number | undefined
  const notes: string[] = []
  for (const line of text.split(/\r?\n/)) {
    const plan = /^1\.\.(\d+)/.exec(line)
    if (plan !== null) announced = Number(plan[1])
    const found = point.exec(line)
    if (found !== null) {
      const [, isBad, , test = '', directive, reason = ''] = found
      const status = directive !== undefined ? 'skip' : isBad === undefined ? 'pass' : 'fail'
      verdicts.push({ test: test === '' ? reason : test, status, note: reason })
      notes.length = 0
    } else if (line.startsWith('#') && verdicts.at(-1)?.status === 'fail' && notes.length < 3) {
      // What a failed test says comes behind it.
      notes.push(line.slice(1).trim())
      const last = verdicts.pop() as Verdict
      verdicts.push({ ...last, note: notes.join(' | ') })
    }
  }
  if (announced === undefined && verdicts.length === 0) return [{ test: '(no test)', status: 'lost', note: whyLost }]
  const lost = Math.max(0, (announced ?? 0) - verdicts.length)
  return [
    ...verdicts,
    ...Array.from({ length: lost }, () => ({ test: '(not told)', status: 'lost' as const, note: whyLost })),
  ]
}
