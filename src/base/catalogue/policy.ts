/** Stock words of errors: the policy of a sandbox, and the levels. */
import type { CatalogueEntry } from './entry.ts'

export const policy = {
  'landlock-failed': { what: 'Landlock cannot hold the command' },
  'policy-unenforceable': {
    what: 'a rule of the sandbox cannot be enforced here',
    fix: 'take the rule out, accept the loss by its name (--accept NAME), or run where user namespaces are allowed',
  },
} as const satisfies Record<string, CatalogueEntry>
