/** Stock words of errors: the policy of a sandbox, and the levels. */
import type { CatalogueEntry } from './entry.ts'

export const policy = {
  'landlock-failed': { what: 'Landlock cannot hold the command' },
  'policy-unenforceable': {
    what: 'a rule of the sandbox cannot be enforced here',
    fix: 'take the rule out, accept the loss by its name (--accept NAME), or run where user namespaces are allowed',
  },
  'project-untrusted': {
    what: "the project's policy asks for more than a project may",
    why: 'whoever wrote the project wrote that file; a sandbox is not to be opened by what is put into it',
  },
} as const satisfies Record<string, CatalogueEntry>
