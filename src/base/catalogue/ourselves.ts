/** Stock words of errors: ourselves. */
import type { CatalogueEntry } from './entry.ts'

export const ourselves = {
  'native-missing': {
    what: 'the native part of usnea was not found',
    fix: 'npm run build in the checkout, or reinstall the package for this architecture',
  },
  'memfd-refused': {
    what: 'cannot make the sealed copy of init',
    why: 'vm.memfd_noexec refuses executable memory files, or memory is short',
    fix: 'sudo sysctl -w vm.memfd_noexec=1',
  },
  'attendance-lost': {
    what: 'the program of the container cannot be waited for any more',
    why: 'no descriptor was left for it, or somebody else has collected it',
    fix: 'usnea state ID tells whether it runs; ulimit -n is the limit of descriptors',
  },
  'spawn-failed': {
    what: 'cannot start init',
    fix: 'raise the limit of processes or open files (ulimit -u, ulimit -n), or end something',
  },
  'plan-refused': {
    what: 'init refused the plan',
    why: 'the library and init are of different builds',
    fix: 'run npm run build again, or reinstall the package',
  },
  'level-unmet': { what: 'the isolation that was required cannot be had here' },
  'sandbox-option': { what: 'a sandbox option is not valid' },
  internal: { what: 'internal error', fix: 'please report it' },
} as const satisfies Record<string, CatalogueEntry>
