/** What was learnt, as the text of a policy, and in words. Pure. */
import { withoutSteering } from '../../sandbox/denials/denial.ts'
import type { Learnt } from '../../sandbox/denials/learn.ts'
import { withGrants, wordOf } from '../../sandbox/denials/policy-text.ts'
import { describeDenial } from '../../sandbox/denials/summary.ts'

interface Around {
  readonly argv: readonly string[]
  /** What the file says already. */
  readonly before: string
  readonly directory: string
  readonly home: string | undefined
}

const MOST_NOTES = 10

export function printLearnt(
  { safe, dangerous, cautions, wanted }: Learnt,
  { argv, before, directory, home }: Around,
): { text: string; notes: string[] } {
  const places = { directory, home }
  const left = dangerous.map(({ grant, why }) =>
    withoutSteering(`left out: ${grant.rule} ${wordOf(grant, places)}: ${why}`),
  )
  const watched = cautions.map(({ grant, why }) =>
    withoutSteering(`take care: ${grant.rule} ${wordOf(grant, places)}: ${why}`),
  )
  const head = before === '' ? `# usnea learn -- ${withoutSteering(argv.join(' '))}\n` : before
  const remarks = [...left, ...watched].map((line) => `# ${line}\n`).filter((line) => !before.includes(line))
  const open = head.endsWith('\n') ? head : `${head}\n`
  const isNetwork = wanted.some(({ kind }) => kind === 'network')
  return {
    text: remarks.join('') === '' ? withGrants(open, safe, places) : remarks.join('') + withGrants(open, safe, places),
    notes: [
      ...left.map((line) => `${line}; name it if it is meant`),
      ...watched,
      ...wanted.slice(0, MOST_NOTES).map((denial) => `it was denied: ${describeDenial(denial)}`),
      ...(isNetwork ? ["it wants the network: --allow-host '*' learns the hosts by name"] : []),
    ],
  }
}
