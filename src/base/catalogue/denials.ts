/** Stock words of errors: seeing what a sandbox denies, learning a policy. */
import type { CatalogueEntry } from './entry.ts'

export const denials = {
  'denials-unavailable': {
    what: 'what the sandbox denies cannot be watched',
    why: 'the kernel refused a step of it',
    fix: 'go without --log-denials (denials); what is denied stays denied',
  },
  'denials-lost': {
    what: 'the log of denials is not whole: its observer ended before the command',
    why: 'somebody killed usnea-observe, or memory was short; from then on every watched call of the command failed',
    fix: 'run the command again',
  },
  'denial-log': {
    what: 'the log of denials cannot be read',
    fix: 'give a file that --log-denials has written: one JSON object a line',
  },
} satisfies Record<string, CatalogueEntry>
