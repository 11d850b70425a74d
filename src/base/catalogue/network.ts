/** The network of a sandbox. */
import type { CatalogueEntry } from './entry.ts'

export const network = {
  'egress-failed': {
    what: 'cannot set up the filtered network',
    why: 'the kernel refused a step of it',
    fix: 'usnea plan --allow-host … -- CMD shows the steps; --net none needs none of them',
  },
} satisfies Record<string, CatalogueEntry>
