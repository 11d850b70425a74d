/** Stock words of errors: the registry of runtimes. */
import type { CatalogueEntry } from './entry.ts'

export const runtimes = {
  'runtime-unknown': { what: 'unknown or invalid runtime name' },
  'runtime-missing': {
    what: 'error while looking up the specified runtime path',
    fix: 'install it, or correct its path in config.toml',
  },
  'shim-missing': {
    what: 'the program of a shim is not installed',
    fix: 'install it into a directory of PATH, or give its path as the type of a runtime in config.toml',
  },
  'runtime-invalid': { what: 'the runtimes are not valid', fix: 'see docs/runtimes.md' },
  'runtime-default': { what: 'the default runtime does not exist' },
  'runtime-import': {
    what: 'runtimes cannot be imported',
    fix: 'nothing was changed; mend what is told and import again',
  },
  'runtime-unfit': { what: 'a runtime cannot be used', fix: 'usnea runtimes check tells what is wrong with each' },
  'runtime-wrapper': {
    what: 'a script that stands for a runtime with arguments cannot be put in place',
    fix: 'make its directory yours alone, on a file system where programs may run',
  },
} as const satisfies Record<string, CatalogueEntry>
