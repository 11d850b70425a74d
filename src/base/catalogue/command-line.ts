/** Stock words of errors: the command line. */
import type { CatalogueEntry } from './entry.ts'

export const commandLine = {
  usage: { what: 'incorrect usage' },
  'id-empty': { what: 'container id cannot be empty', fix: 'give the container id as the first argument' },
  'id-invalid': {
    what: 'invalid container ID format',
    fix: 'use 1 to 240 letters, digits, and the characters _ + - . (not "." or "..")',
  },
  'id-in-use': {
    what: 'container with given ID already exists',
    fix: 'choose another id, or remove the old container with: usnea delete --force ID',
  },
  'log-unwritable': { what: 'the log file cannot be written' },
  'not-supported-yet': { what: 'not supported yet' },
  'some-failed': { what: 'not done for some of the containers that match' },
} as const satisfies Record<string, CatalogueEntry>
